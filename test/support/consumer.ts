import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "../..");

/** A user's repository: examples/orders with a commit and an origin. */
export interface Consumer {
  folder: string;
  sha: string;
}

/** Runs git with a configuration of its own. */
export function git(folder: string, ...args: string[]): string {
  return execFileSync("git", args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      ...Object.fromEntries(
        ["AUTHOR", "COMMITTER"].flatMap((who) => [
          [`GIT_${who}_NAME`, "Ada"],
          [`GIT_${who}_EMAIL`, "ada@example.com"],
          [`GIT_${who}_DATE`, "2026-01-02T03:04:05Z"],
        ]),
      ),
    },
  }).trim();
}

/**
 * Makes the repository in `folder`. Its go.mod asks for the Go of this machine, so that no toolchain
 * has to be fetched; `files` are laid over the example.
 */
export function makeConsumer(
  folder: string,
  files: Readonly<Record<string, string>> = {},
): Consumer {
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, "examples/orders"), folder, { recursive: true });
  const mod = join(folder, "go.mod");
  const text = readFileSync(mod, "utf8").replace(/^toolchain .*$/m, `toolchain ${localGo()}`);
  return committed(folder, { "go.mod": text, ...files });
}

/**
 * A module that compiles in a moment, since it uses little of the standard library: a service in
 * cmd/orders that answers 200 to everything, and a package with one test.
 */
export function makeSmallConsumer(
  folder: string,
  files: Readonly<Record<string, string>> = {},
): Consumer {
  return committed(folder, {
    "go.mod": `module example.com/acme/orders\n\ngo 1.24\n\ntoolchain ${localGo()}\n`,
    "cmd/orders/main.go": SERVICE,
    "internal/store/store.go": "package store\n\nfunc Two() int { return 2 }\n",
    "internal/store/store_test.go":
      'package store\n\nimport "testing"\n\nfunc TestTwo(t *testing.T) {\n\tif Two() != 2 {\n\t\tt.Fatal(Two())\n\t}\n}\n',
    ...files,
  });
}

const SERVICE = `package main

import (
	"io"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		connection.Read(make([]byte, 4096))
		io.WriteString(connection, "HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\nok")
		connection.Close()
	}
}
`;

function committed(folder: string, files: Readonly<Record<string, string>>): Consumer {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  git(folder, "init", "-q", "-b", "main");
  git(folder, "remote", "add", "origin", "https://github.com/acme/orders");
  git(folder, "add", "-A", "-f");
  git(folder, "commit", "-q", "-m", "first");
  return { folder, sha: git(folder, "rev-parse", "HEAD") };
}

/** `go1.26.8` */
export function localGo(): string {
  return execFileSync("go", ["env", "GOVERSION"], {
    encoding: "utf8",
    env: { ...process.env, GOTOOLCHAIN: "local" },
  }).trim();
}

/**
 * Environment that gives the go command the modules of `folder` from files: they are fetched once,
 * as `go mod download` does, and no network is needed after that.
 */
export function offlineModules(folder: string): Record<string, string> {
  execFileSync("go", ["mod", "download"], { cwd: folder, stdio: "pipe" });
  const cache = execFileSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" }).trim();
  return {
    GOPROXY: pathToFileURL(join(cache, "cache/download")).href,
    GOTOOLCHAIN: "local",
    GOTELEMETRY: "off",
  };
}
