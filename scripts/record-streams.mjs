// Records what `go test -json` really prints in the cases a test runner must judge:
// `node scripts/record-streams.mjs [go1.26.8 …]`. The programs are below, one module per case,
// written to a temporary folder; the streams go to test/fixtures/go-streams/<version>/<case>.jsonl
// with `cases.json` beside them (exit code, packages asked for, the verdict that is right).
// Other versions than the one on PATH are fetched by the go command itself (GOTOOLCHAIN).
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "./toolchain.mjs";

/** Any go command: it fetches the version that is recorded. */
const GO = process.env.GO ?? "go";
const VERSIONS = ["go1.24.9", "go1.25.4", "go1.26.8", "go1.27.0"];

const T = (body, imports = []) =>
  `package a\n\nimport (\n\t"testing"\n${imports.map((name) => `\t"${name}"\n`).join("")})\n\n${body}\n`;
const TEST = (name, body) => `func ${name}(t *testing.T) {\n\t${body}\n}\n`;
const OK = TEST("TestOK", `t.Log("fine")`);

/**
 * `files` relative to the module; `green` is what an honest runner must say; `args` go to
 * `go test -json -fullpath`; `twice` records the second run; `from` is the first Go minor that has it.
 */
const CASES = {
  pass: {
    green: true,
    files: {
      "a_test.go": T(
        TEST(
          "TestSub",
          `for _, n := range []string{"one", "two"} {\n\t\tt.Run(n, func(t *testing.T) { t.Parallel(); t.Log(n) })\n\t}`,
        ) +
          TEST("TestSkip", `t.Skip("not today")`) +
          TEST("TestNoNewline", `fmt.Print("no newline")`) +
          `func ExampleA() {\n\tfmt.Println("x")\n\t// Output: x\n}\n` +
          `func FuzzA(f *testing.F) {\n\tf.Add(1)\n\tf.Add(2)\n\tf.Fuzz(func(t *testing.T, n int) {})\n}\n`,
        ["fmt"],
      ),
      "b/b.go": "package b\n",
    },
  },
  fail: {
    files: {
      "a_test.go": T(
        OK +
          TEST(
            "TestBad",
            `t.Log("about to fail")\n\tt.Errorf("got %d\\nwant %d", 1, 2)\n\tt.Error("second")`,
          ) +
          TEST(
            "TestTable",
            `for _, n := range []string{"http://x/y", "plain"} {\n\t\tt.Run(n, func(t *testing.T) {\n\t\t\tif n == "http://x/y" {\n\t\t\t\tcheck.Equal(t, 1, 2)\n\t\t\t}\n\t\t})\n\t}`,
          ),
        ["example.com/m/check"],
      ),
      "check/check.go": `package check\n\nimport "testing"\n\nfunc Equal(t *testing.T, a, b int) {\n\tif a != b {\n\t\tt.Errorf("%d != %d", a, b)\n\t}\n}\n`,
    },
  },
  "panic-test": {
    files: {
      "a_test.go": T(
        OK +
          TEST("TestPanics", `deep(nil)`) +
          TEST("TestNeverRuns", "") +
          `func deep(p *int) {\n\t*p = 1\n}\n`,
      ),
      "b/b_test.go": T(OK),
    },
  },
  "panic-goroutine": {
    files: {
      "a_test.go": T(
        TEST(
          "TestPanics",
          `go func() { panic("in a goroutine") }()\n\ttime.Sleep(2 * time.Second)`,
        ),
        ["time"],
      ),
    },
  },
  "panic-after-parallel": {
    files: {
      "a_test.go": T(
        TEST("TestOne", `t.Parallel()\n\ttime.Sleep(50 * time.Millisecond)`) +
          TEST("TestTwo", `t.Parallel()\n\ttime.Sleep(10 * time.Millisecond)\n\tpanic("two")`),
        ["time"],
      ),
    },
  },
  "os-exit-1": { files: { "a_test.go": T(OK + TEST("TestExit", `os.Exit(1)`), ["os"]) } },
  "os-exit-0": { files: { "a_test.go": T(OK + TEST("TestExit", `os.Exit(0)`), ["os"]) } },
  // The go command itself calls this one green: the process ends with 0 in the middle of a test.
  "syscall-exit-0": {
    files: {
      "a_test.go": T(
        OK + TEST("TestExit", `syscall.Exit(0)`) + TEST("TestLost", `t.Fatal("never seen")`),
        ["syscall"],
      ),
    },
  },
  "log-fatal": { files: { "a_test.go": T(OK + TEST("TestFatal", `log.Fatal("gone")`), ["log"]) } },
  // Since the line can still go to the package, this is no panic: recorded to hold that.
  "log-after-end": {
    green: true,
    files: {
      "a_test.go": T(
        TEST(
          "TestLate",
          `go func() {\n\t\ttime.Sleep(20 * time.Millisecond)\n\t\tt.Log("too late")\n\t}()`,
        ) + TEST("TestNext", `time.Sleep(time.Second)`),
        ["time"],
      ),
    },
  },
  timeout: {
    args: ["-timeout=1s"],
    files: {
      "a_test.go": T(
        OK + TEST("TestHangs", `t.Run("inner", func(t *testing.T) { time.Sleep(time.Minute) })`),
        ["time"],
      ),
      "b/b_test.go": T(OK),
    },
  },
  "stack-overflow": {
    files: {
      "a_test.go": T(
        TEST("TestDeep", `debug.SetMaxStack(1 << 16)\n\tdown(0)`) +
          `func down(n int) int {\n\tvar pad [512]byte\n\t_ = pad\n\treturn down(n+1) + int(pad[n%512])\n}\n`,
        ["runtime/debug"],
      ),
    },
  },
  "killed-by-signal": {
    files: {
      "a_test.go": T(
        TEST("TestKilled", `_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)\n\tselect {}`),
        ["os", "syscall"],
      ),
    },
  },
  "build-fail": {
    files: {
      "a_test.go": T(TEST("TestA", `var n int = "text"\n\tundefined()`)),
      "b/b.go": "package b\n\nfunc B() int { return missing }\n",
      "c/c_test.go": `package c\n\nimport (\n\t"testing"\n\n\t"example.com/m/b"\n)\n\nfunc TestC(t *testing.T) { b.B() }\n`,
      "d/d_test.go": `package d\n\nimport (\n\t"testing"\n\n\t"example.com/m/b"\n)\n\nfunc TestD(t *testing.T) { b.B() }\n`,
      "e/e_test.go": T(OK),
    },
  },
  "build-fail-text": {
    env: { GODEBUG: "gotestjsonbuildtext=1" },
    files: { "a_test.go": T(TEST("TestA", `var n int = "text"`)), "e/e_test.go": T(OK) },
  },
  "syntax-error": { files: { "a_test.go": "package a\n\nfunc TestA( {\n", "e/e_test.go": T(OK) } },
  "setup-fail": {
    files: {
      "a_test.go": T(TEST("TestA", `_ = nowhere.X`), ["example.com/m/nowhere"]),
      "e/e_test.go": T(OK),
    },
  },
  "vet-fail": {
    vet: true,
    files: { "a_test.go": T(TEST("TestA", `t.Logf("%d", "text")`)), "e/e_test.go": T(OK) },
  },
  "testmain-exit-3": {
    files: {
      "a_test.go": T(
        `func TestMain(m *testing.M) {\n\tfmt.Println("no database")\n\tos.Exit(3)\n}\n` + OK,
        ["fmt", "os"],
      ),
    },
  },
  "testmain-fail-after": {
    files: {
      "a_test.go": T(
        `func TestMain(m *testing.M) {\n\tm.Run()\n\tfmt.Println("leak found")\n\tos.Exit(1)\n}\n` +
          OK,
        ["fmt", "os"],
      ),
    },
  },
  "testmain-panic": {
    files: { "a_test.go": T(`func TestMain(m *testing.M) {\n\tpanic("set-up")\n}\n` + OK) },
  },
  "init-panic": { files: { "a_test.go": T(`func init() {\n\tpanic("init")\n}\n` + OK) } },
  "count2-fail-pass": {
    args: ["-count=2"],
    files: {
      "a_test.go": T(
        `var runs int\n\n` +
          TEST("TestFlaky", `runs++\n\tif runs == 1 {\n\t\tt.Fatal("first")\n\t}`),
      ),
    },
  },
  count3: { green: true, args: ["-count=3", "-cpu=1,2"], files: { "a_test.go": T(OK) } },
  failfast: {
    args: ["-failfast"],
    files: { "a_test.go": T(TEST("TestBad", `t.Fatal("first")`) + OK) },
  },
  "prints-verdicts": {
    files: {
      "a_test.go": T(
        TEST(
          "TestPrints",
          `fmt.Println("--- PASS: TestBad (0.00s)")\n\tfmt.Println("ok  \\texample.com/m\\t(cached)")\n\tfmt.Println("PASS")\n\tfmt.Println("coverage: 99%")\n\tfmt.Println(\`{"Action":"pass","Package":"example.com/m"}\`)\n\tfmt.Println("FAIL")`,
        ) + TEST("TestBad", `t.Fatal("really")`),
        ["fmt"],
      ),
    },
  },
  "prints-failures": {
    green: true,
    files: {
      "a_test.go": T(
        TEST(
          "TestPrints",
          `fmt.Println("--- FAIL: TestOK (0.00s)")\n\tfmt.Println("FAIL\\texample.com/m\\t0.1s")\n\tfmt.Println("panic: not really")\n\tfmt.Println(\`{"Action":"fail","Package":"example.com/m"}\`)\n\tfmt.Print("FAIL")`,
        ) + OK,
        ["fmt"],
      ),
    },
  },
  hostile: {
    files: {
      "a_test.go": T(
        TEST(
          "TestSpeaks",
          `fmt.Println("::error file=x.go,line=1::obeyed")\n\tfmt.Println("::add-mask::fine")\n\tfmt.Println("text ##[set-env name=PATH]evil")\n\tfmt.Println("::set-output name=verdict::pass")\n\tfmt.Println("\\x1b[2J\\x1b]0;title\\x07<b>&amp;</b>\`\`\`")\n\tt.Fatal("::error::in the message <script>")`,
        ),
        ["fmt"],
      ),
    },
  },
  "invalid-utf8": {
    files: {
      "a_test.go": T(
        TEST(
          "TestBytes",
          `os.Stdout.Write([]byte{0xff, 0xfe, 'x', 0xc3, '\\n'})\n\tt.Fatal("\\xff end")`,
        ),
        ["os"],
      ),
    },
  },
  "long-line": {
    files: {
      "a_test.go": T(
        TEST(
          "TestLong",
          `fmt.Println(strings.Repeat("long ", 4000))\n\tt.Fatal(strings.Repeat("x", 9000))`,
        ),
        ["fmt", "strings"],
      ),
    },
  },
  "goexit-parent": {
    files: {
      "a_test.go": T(
        TEST(
          "TestParent",
          `t.Run("sub", func(*testing.T) { t.FailNow() })\n\tt.Run("never", func(t *testing.T) {})`,
        ),
      ),
    },
  },
  "fuzz-seed": {
    files: {
      "a_test.go": T(
        `func FuzzA(f *testing.F) {\n\tf.Add(1)\n\tf.Add(7)\n\tf.Fuzz(func(t *testing.T, n int) {\n\t\tif n == 7 {\n\t\t\tt.Fatal("seven")\n\t\t}\n\t})\n}\n`,
      ),
    },
  },
  example: {
    files: {
      "a_test.go": T(`func ExampleA() {\n\tfmt.Println("x")\n\t// Output: y\n}\n`, ["fmt"]),
    },
  },
  parallel: {
    files: {
      "a_test.go": T(
        [1, 2, 3]
          .map((n) =>
            TEST(
              `TestP${n}`,
              `t.Parallel()\n\tfor i := range 3 {\n\t\ttime.Sleep(time.Millisecond)\n\t\tt.Log(i)\n\t}${n === 2 ? `\n\tt.Error("p2")` : ""}`,
            ),
          )
          .join(""),
        ["time"],
      ),
    },
  },
  bench: {
    green: true,
    args: ["-bench=.", "-benchtime=1x"],
    files: {
      "a_test.go": T(
        OK +
          `func BenchmarkA(b *testing.B) {\n\tb.Log("log")\n}\nfunc BenchmarkB(b *testing.B) {\n\tb.Run("s", func(b *testing.B) {})\n}\n`,
      ),
    },
  },
  attr: {
    green: true,
    from: 25,
    files: { "a_test.go": T(TEST("TestAttr", `t.Attr("key", "value")`)) },
  },
  artifacts: {
    green: true,
    from: 26,
    args: ["-artifacts"],
    files: { "a_test.go": T(TEST("TestArtifacts", `t.Log(t.ArtifactDir())`)) },
  },
  shuffle: {
    args: ["-shuffle=7"],
    files: { "a_test.go": T(OK + TEST("TestBad", `t.Error("x")`)) },
  },
  "no-tests": { green: true, files: { "a.go": "package a\n", "b/b_test.go": `package b\n` } },
  cached: { green: true, twice: true, files: { "a_test.go": T(OK), "b/b.go": "package b\n" } },
  "race-in-test": {
    args: ["-race"],
    files: {
      "a_test.go": T(
        TEST(
          "TestRace",
          `n := 0\n\tdone := make(chan bool)\n\tgo func() {\n\t\tn++\n\t\tclose(done)\n\t}()\n\tn++\n\t<-done`,
        ) + OK,
      ),
    },
  },
  "race-after-pass": {
    args: ["-race"],
    files: {
      "a_test.go": T(
        `func TestMain(m *testing.M) {\n\tcode := m.Run()\n\tn := 0\n\tdone := make(chan bool)\n\tgo func() {\n\t\tn++\n\t\tclose(done)\n\t}()\n\tn++\n\t<-done\n\tos.Exit(code)\n}\n` +
          OK,
        ["os"],
      ),
    },
  },
};

const wanted = process.argv.slice(2);
for (const version of wanted.length > 0 ? wanted : VERSIONS) record(version);

function record(version) {
  const minor = Number(version.split(".")[1]);
  const folder = join(root, "test/fixtures/go-streams", version);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const meta = {};
  for (const [name, test] of Object.entries(CASES)) {
    if ((test.from ?? 0) > minor) continue;
    const work = mkdtempSync(join(tmpdir(), "go-stream-"));
    try {
      meta[name] = recordCase(work, folder, version, name, test);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  writeFileSync(join(folder, "cases.json"), `${JSON.stringify(meta, null, 2)}\n`);
  console.log(`${version}: ${Object.keys(meta).length} cases`);
}

function recordCase(work, folder, version, name, test) {
  const files = { "go.mod": `module example.com/m\n\ngo 1.24\n`, ...test.files };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  const env = { ...process.env, GOTOOLCHAIN: version, GOFLAGS: "", ...test.env };
  const go = (args) =>
    spawnSync(GO, args, {
      cwd: work,
      env,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      timeout: 60_000,
    });
  const packages = go(["list", "-e", "./..."]).stdout.trim().split("\n");
  const vet = test.vet ? [] : ["-vet=off"];
  const args = [
    "test",
    "-json",
    "-fullpath",
    ...vet,
    ...(test.args ?? ["-timeout=20s"]),
    ...packages,
  ];
  if (test.twice) go(args);
  const run = go(args);
  const goroot = go(["env", "GOROOT"]).stdout.trim();
  const plain = (text) =>
    text
      .replaceAll(work, "/repo")
      .replaceAll(goroot, "/goroot")
      .replace(/"Time":"[^"]*",/g, "");
  writeFileSync(join(folder, `${name}.jsonl`), plain(run.stdout));
  return {
    exit: run.status,
    green: test.green ?? false,
    args,
    packages,
    stderr: plain(run.stderr),
  };
}
