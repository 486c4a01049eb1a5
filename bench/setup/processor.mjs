// Processor time of what a job ran: it depends less on the neighbours of a machine than wall time.
import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second for programs, whatever the kernel's own clock is. */
const TICK_MS = 10;

/** Milliseconds that all ended children of this process and theirs have used so far. */
export function childrenCpuMs() {
  const stat = readFileSync(`/proc/${process.pid}/stat`, "utf8");
  // The name, in brackets, may hold anything; `cutime` is the 14th field after it (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}
