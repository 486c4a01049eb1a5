import { describe, expect, test } from "@jest/globals";
import { chooseMain, readPackages } from "./main-packages.ts";

const cwd = "/w";
const found = readPackages(
  "\nexample.com/acme/orders/cmd/orders\t/w/cmd/orders\nexample.com/acme/orders/cmd/admin\t/w/cmd/admin\n\n",
);
const root = readPackages("example.com/acme/orders/v2\t/w\n");

describe("main packages", () => {
  test("are listed with the names their programs get", () => {
    expect(found.map(({ name }) => name)).toEqual(["admin", "orders"]);
    expect(root[0]?.name).toBe("orders");
    expect(readPackages("example.com/v1\t/w")[0]?.name).toBe("v1");
  });

  test("the only one is taken", () => {
    expect(chooseMain(root, undefined, cwd).importPath).toBe("example.com/acme/orders/v2");
  });

  test.each(["./cmd/orders", "cmd/orders", "cmd/orders/", "example.com/acme/orders/cmd/orders"])(
    "%s names one",
    (wanted) => {
      expect(chooseMain(found, wanted, cwd).name).toBe("orders");
    },
  );

  test(". names the folder itself", () => {
    expect(chooseMain(root, ".", cwd).name).toBe("orders");
  });

  test("several need a choice, and are listed", () => {
    expect(() => chooseMain(found, undefined, cwd)).toThrow(
      "There are 2 main packages: ./cmd/admin, ./cmd/orders",
    );
    expect(() => chooseMain(found, "./cmd/other", cwd)).toThrow("is no main package");
    expect(() => chooseMain(found, "-toolexec=x", cwd)).toThrow("is no main package");
  });

  test("none is said in a sentence with a remedy", () => {
    expect(() => chooseMain([], undefined, cwd)).toThrow("There is no main package below /w");
  });
});
