// The peak memory of a step's process, as Linux keeps it (VmHWM).
import { readFileSync } from "node:fs";
import { clearInterval, setInterval } from "node:timers";

/** Looks at this process's children from now on; `peak()` is in bytes. */
export function watchMemory() {
  let peak = 0;
  const look = () => {
    const own = `/proc/${process.pid}/task/${process.pid}/children`;
    for (const pid of read(own).split(" ")) {
      if (pid.trim() === "") continue;
      const match = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid.trim()}/status`));
      if (match !== null) peak = Math.max(peak, Number(match[1]) * 1024);
    }
  };
  let timer;
  return {
    start: () => (timer ??= setInterval(look, 25)),
    stop: () => {
      clearInterval(timer);
      timer = undefined;
    },
    peak: () => peak,
  };
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended meanwhile.
    return "";
  }
}
