import { describe, expect, test } from "@jest/globals";
import { formatReference, parseReference } from "@go-cicd/oci/reference.ts";
import { byRepository, imageName, references, registryHost } from "./image-name.ts";

const main = {
  importPath: "example.com/acme/orders/cmd/Orders_API",
  folder: "/w",
  name: "Orders_API",
};
const parts = { imageName: undefined, registry: undefined, repository: "Acme/Orders", main };

describe("the name of an image", () => {
  test.each([
    [{ ...parts, oneOfSeveral: false }, "ghcr.io/acme/orders"],
    [{ ...parts, oneOfSeveral: true }, "ghcr.io/acme/orders/orders-api"],
    [{ ...parts, oneOfSeveral: false, registry: "localhost:5000" }, "localhost:5000/acme/orders"],
    [{ ...parts, oneOfSeveral: false, repository: "" }, "ghcr.io/orders-api"],
    [{ ...parts, oneOfSeveral: true, imageName: "quay.io/a/b" }, "quay.io/a/b"],
  ])("%j is %s", (given, name) => {
    expect(formatReference(imageName(given))).toBe(name);
  });

  test.each(["quay.io/a/b:v1", "quay.io/A/b", "--x"])("%s is none", (name) => {
    expect(() => imageName({ ...parts, imageName: name, oneOfSeveral: false })).toThrow();
  });

  test.each([
    [undefined, "ghcr.io"],
    ["docker.io", "docker.io"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["https://ghcr.io/", "ghcr.io"],
    ["127.0.0.1:5000", "127.0.0.1:5000"],
  ])("the registry %s is %s", (given, host) => {
    expect(registryHost(given)).toBe(host);
  });

  test.each(["registry", "ghcr.io/acme", "user@ghcr.io", "", "a b"])(
    "%j is no registry",
    (text) => {
      expect(() => registryHost(text)).toThrow("registry must be a host");
    },
  );
});

describe("tags", () => {
  const name = parseReference("ghcr.io/acme/orders");

  test("are bare words or full references, each once", () => {
    const all = references(name, ["v1", "v1", "ghcr.io/acme/orders:v1", "quay.io/a/b", "a/b:c"]);
    expect(all.map(formatReference)).toEqual([
      "ghcr.io/acme/orders:v1",
      "quay.io/a/b:latest",
      "docker.io/a/b:c",
    ]);
    expect([...byRepository(all).keys()]).toEqual([
      "ghcr.io/acme/orders",
      "quay.io/a/b",
      "docker.io/a/b",
    ]);
  });

  test("that are wrong are all named", () => {
    const digest = `quay.io/a/b@sha256:${"0".repeat(64)}`;
    expect(() => references(name, ["-x", "quay.io/A", digest])).toThrow(
      /Invalid inputs:\n- tags: "-x".*\n- tags: "quay.io\/A".*\n- tags: .*no digest/,
    );
  });
});
