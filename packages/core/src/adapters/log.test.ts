import { Writable } from "node:stream";
import { describe, expect, it, jest } from "@jest/globals";
import type { Log } from "../log.ts";
import { runnerLog } from "./log.ts";

/** A log whose output, and that of the toolkit, is kept in order. */
function captured(): { log: Log; text: () => string; restore: () => void } {
  const chunks: Buffer[] = [];
  const keep = (chunk: Uint8Array | string): true => {
    chunks.push(Buffer.from(chunk));
    return true;
  };
  const spy = jest.spyOn(process.stdout, "write").mockImplementation(keep);
  const out = new Writable({
    write: (chunk: Buffer, _, done) => {
      keep(chunk);
      done();
    },
  });
  return {
    log: runnerLog(out),
    text: () => Buffer.concat(chunks).toString("utf8"),
    restore: () => {
      spy.mockRestore();
    },
  };
}

async function said(work: (log: Log) => Promise<void> | void): Promise<string> {
  const { log, text, restore } = captured();
  try {
    await work(log);
    return text();
  } finally {
    restore();
  }
}

const UUID = "[0-9a-f]{8}-[0-9a-f-]{27}";

/**
 * What the runner would obey in a step's output: commands outside of fences (grammar of the
 * runner's ActionCommandManager, in short).
 */
function obeyed(text: string): string[] {
  const commands: string[] = [];
  let stopped: string | undefined;
  for (const line of text.split("\n")) {
    if (stopped !== undefined) {
      if (line.trim() === `::${stopped}::`) stopped = undefined;
      continue;
    }
    const stop = /^\s*::stop-commands::(.+)$/.exec(line);
    if (stop !== null) stopped = stop[1];
    else if (/^\s*::/.test(line) || line.includes("##[")) commands.push(line);
  }
  if (stopped !== undefined) commands.push("<the fence was never closed>");
  return commands;
}

describe("runnerLog", () => {
  it("prints information as it is", async () => {
    expect(await said((log) => log.info("100% of a:b, c"))).toBe("100% of a:b, c\n");
  });

  it("adds and removes problem matchers, also while a fence is open", async () => {
    const text = await said(async (log) => {
      log.addMatcher("/tmp/100%.json");
      await log.fenced((write) => {
        write("::warning::no");
        log.removeMatcher("a:b");
        return Promise.resolve();
      });
    });
    const [first, ...rest] = obeyed(text).filter((line) => line.includes("matcher"));
    expect(first).toBe("::add-matcher::/tmp/100%25.json");
    expect(rest).toEqual(["::remove-matcher owner=a%3Ab::"]);
    expect(obeyed(text).join()).not.toContain("::warning");
  });

  it("escapes messages and properties of annotations", async () => {
    const text = await said((log) => {
      log.error("one\ntwo 100%", { title: "a,b:c", file: "x.go", line: 3, endLine: 4, column: 2 });
      log.warning("w");
      log.notice("n");
      log.debug("d");
    });
    expect(text.split("\n")).toEqual([
      "::error title=a%2Cb%3Ac,file=x.go,line=3,endLine=4,col=2::one%0Atwo 100%25",
      "::warning::w",
      "::notice::n",
      "::debug::d",
      "",
    ]);
  });

  it.each(["::set-output name=a::b", "fine\n  ::error::x", "x ##[add-mask]y", "\r::error::x"])(
    "does not let the information %j speak to the runner",
    async (message) => {
      const text = await said((log) => log.info(message));
      expect(text).toContain(message);
      expect(obeyed(text)).toEqual([]);
    },
  );

  it("closes a group also when its work fails", async () => {
    const text = await said(async (log) => {
      await log
        .group("build\n::error::x", () => Promise.reject(new Error("no")))
        .catch(() => undefined);
    });
    expect(text).toBe("::group::build%0A::error::x\n::endgroup::\n");
  });

  it("masks every form of a secret", async () => {
    const text = await said((log) => log.mask("line one\nline two"));
    expect(obeyed(text)).toEqual([
      "::add-mask::line one%0Aline two",
      "::add-mask::line one",
      "::add-mask::line two",
      `::add-mask::${Buffer.from("line one\nline two").toString("base64")}`,
    ]);
  });

  it("puts what a child says behind a fence with a token of its own each time", async () => {
    const hostile = "::add-path::/evil\n##[set-output name=a]b\n::stop-commands::x\n::x::\n";
    const text = await said(async (log) => {
      await log.fenced((write) => {
        write(hostile);
        return Promise.resolve();
      });
      await log.fenced((write) => {
        write(Buffer.from("no end of line"));
        return Promise.resolve();
      });
      log.info("after");
    });
    expect(text).toMatch(
      new RegExp(
        `^::stop-commands::(${UUID})\n[^]*\n::\\1::\n` +
          `::stop-commands::(?!\\1)(${UUID})\nno end of line\n::\\2::\nafter\n$`,
      ),
    );
    expect(text).toContain(hostile);
    expect(obeyed(text)).toEqual([]);
  });

  it("opens the fence again after a word of our own, so that both are heard right", async () => {
    const text = await said(async (log) => {
      await log.fenced((write) => {
        write("::error::from the child, cut");
        log.warning("from us");
        write("::error::from the child\n");
        log.info("plain, inside\n::error::still dead");
        return Promise.resolve();
      });
    });
    expect(obeyed(text)).toEqual(["::warning::from us"]);
  });

  it("keeps the fence of children that run at the same time until the last has ended", async () => {
    const text = await said(async (log) => {
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const long = log.fenced(async (write) => {
        await gate;
        write("::error::late\n");
      });
      await log.fenced((write) => {
        write("::error::early\n");
        return Promise.resolve();
      });
      release();
      await long;
      log.notice("done");
    });
    expect(obeyed(text)).toEqual(["::notice::done"]);
  });

  it("closes the fence when the work fails", async () => {
    const text = await said(async (log) => {
      await log.fenced(() => Promise.reject(new Error("no"))).catch(() => undefined);
      log.error("heard");
    });
    expect(obeyed(text)).toEqual(["::error::heard"]);
  });
});
