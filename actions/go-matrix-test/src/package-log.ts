import type { Log } from "@go-cicd/core/log.ts";
import { isRed, type JudgedPackage } from "./judgement.ts";
import { many } from "./results.ts";

/** Shows packages as they end, one after the other whatever runs at once. */
export interface PackageLog {
  package(item: JudgedPackage): void;
  /** A block of text of somebody else's, closed in a group; only its title where there is none. */
  block(title: string, text: string): void;
  /** Resolves when everything is shown. */
  done(): Promise<void>;
}

/** Bytes of one package's output that are shown; the rest is in the results. */
const SHOWN = 256 * 1024;

/**
 * A green package is one line; a red one is a group with the output of what failed. All of it goes
 * through the fence, since a test may print anything (`::add-mask::`, `##[set-env …]`).
 */
export function packageLog(log: Log): PackageLog {
  let last = Promise.resolve();
  const then = (work: () => Promise<void>): void => {
    last = last.then(work);
  };
  const block = (title: string, text: string): void => {
    if (text.trim() === "") {
      then(() => {
        log.info(title);
        return Promise.resolve();
      });
      return;
    }
    then(() =>
      log.group(title, () =>
        log.fenced((write) => {
          write(printable(text.slice(0, SHOWN)));
          if (text.length > SHOWN) write(`\n… ${text.length - SHOWN} characters more\n`);
          return Promise.resolve();
        }),
      ),
    );
  };
  return {
    package: (item) => {
      const line = packageLine(item);
      if (!isRed(item.status)) {
        then(() => {
          log.info(line);
          return Promise.resolve();
        });
        return;
      }
      const parts = item.findings.map(
        ({ summary, output }) => `--- ${summary}\n${output?.text ?? ""}\n`,
      );
      block(line, parts.join(""));
    },
    block,
    done: () => last,
  };
}

/** `ok    example.com/m/store  1.24 s  12 tests`. */
function packageLine(item: JudgedPackage): string {
  const words: Record<JudgedPackage["status"], string> = {
    pass: "ok   ",
    fail: "FAIL ",
    "no-tests": "-    ",
    "build-failed": "BUILD",
    incomplete: "CUT  ",
  };
  const time = item.cached ? "cached" : `${item.seconds.toFixed(2)} s`;
  const failed = item.tests.filter(({ status }) => status !== "pass" && status !== "skip").length;
  const tests =
    item.status === "no-tests"
      ? "no tests"
      : `${many(item.tests.length, "test")}${failed > 0 ? `, ${failed} red` : ""}`;
  return `${words[item.status]} ${item.path}  ${time}  ${tests}`;
}

/** Without what moves a terminal's cursor or rings its bell. Colours stay. */
export function printable(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- these are what is taken out
      .replace(/\u001b\[[0-9;?]*[A-HJKSTfhlnsu]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)/g, "")
      // eslint-disable-next-line no-control-regex -- these are what is taken out
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001a\u007f]/g, "\ufffd")
  );
}
