import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** How a page is looked at. */
export interface View {
  width: number;
  height?: number;
  scheme?: "light" | "dark";
  /** Scripts of the page run unless this is false. */
  scripts?: boolean;
}

export interface Page {
  /** The value of an expression in the page, through JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** PNG of what is in view. */
  screenshot(): Promise<Buffer>;
  /** Everything that was asked of a network or disk, the page itself included. */
  readonly requests: readonly string[];
  /** What the page complained about: exceptions, and what its policy refused. */
  readonly complaints: readonly string[];
}

export interface Chromium {
  /** Opens `url` in a tab of its own and waits until it is loaded. */
  open(url: string, view: View): Promise<Page>;
  close(): Promise<void>;
}

interface Message {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/**
 * A headless Chromium, spoken to over two pipes in its DevTools protocol, so that no port is open.
 * @param file path of the browser
 * @param folder for its profile
 */
export function startChromium(file: string, folder: string): Chromium {
  mkdirSync(folder, { recursive: true });
  const child = spawn(
    file,
    [
      "--headless=new",
      "--remote-debugging-pipe",
      // Continuous integration runs as root or without user namespaces.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--hide-scrollbars",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      `--user-data-dir=${join(folder, "profile")}`,
      "about:blank",
    ],
    {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env: { ...process.env, HOME: folder },
    },
  );
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const [, , , toBrowser, fromBrowser] = child.stdio;
  if (!toBrowser || !fromBrowser || !("write" in toBrowser)) throw new Error("no pipes");
  const waiting = new Map<
    number,
    { good: (result: Message["result"]) => void; bad: (error: Error) => void }
  >();
  const listeners = new Set<(message: Message) => void>();
  let next = 0;
  let rest = "";
  fromBrowser.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString("utf8")).split("\0");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      const asked = message.id === undefined ? undefined : waiting.get(message.id);
      if (asked === undefined) for (const listener of listeners) listener(message);
      else if (message.error !== undefined) asked.bad(new Error(message.error.message));
      else asked.good(message.result);
    }
  });
  const send = (
    method: string,
    params: object = {},
    sessionId?: string,
  ): Promise<Message["result"]> =>
    new Promise((good, bad) => {
      next += 1;
      waiting.set(next, { good, bad });
      toBrowser.write(`${JSON.stringify({ id: next, method, params, sessionId })}\0`);
    });

  return {
    open: async (url, { width, height = 900, scheme = "light", scripts = true }) => {
      const target = await send("Target.createTarget", { url: "about:blank" });
      const attached = await send("Target.attachToTarget", {
        targetId: target?.["targetId"],
        flatten: true,
      });
      const session = String(attached?.["sessionId"]);
      const ask = (method: string, params: object = {}): Promise<Message["result"]> =>
        send(method, params, session);
      const requests: string[] = [];
      const complaints: string[] = [];
      let loaded = (): void => undefined;
      const loading = new Promise<void>((resolve) => {
        loaded = resolve;
      });
      listeners.add(({ sessionId, method, params }) => {
        if (sessionId !== session) return;
        if (method === "Page.loadEventFired") loaded();
        if (method === "Network.requestWillBeSent") {
          requests.push((params?.["request"] as { url: string }).url);
        }
        if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") {
          complaints.push(JSON.stringify(params));
        }
      });
      for (const domain of ["Page", "Network", "Runtime", "Log"]) await ask(`${domain}.enable`);
      await ask("Emulation.setDeviceMetricsOverride", {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: false,
      });
      await ask("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value: scheme }],
      });
      if (!scripts) await ask("Emulation.setScriptExecutionDisabled", { value: true });
      await ask("Page.navigate", { url });
      await loading;
      return {
        requests,
        complaints,
        evaluate: async (expression) => {
          const answer = await ask("Runtime.evaluate", { expression, returnByValue: true });
          return (answer?.["result"] as { value?: unknown }).value;
        },
        screenshot: async () => {
          const answer = await ask("Page.captureScreenshot");
          return Buffer.from(String(answer?.["data"]), "base64");
        },
      };
    },
    close: async () => {
      await send("Browser.close").catch(() => undefined);
      await ended;
    },
  };
}
