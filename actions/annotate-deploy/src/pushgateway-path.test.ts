import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { groupPath, groupUrl } from "./pushgateway-path.ts";

describe("path of a group", () => {
  test.each([
    ["orders", "production", "metrics/job/deploy/service/orders/environment/production"],
    [
      "org/app",
      "eu west",
      "metrics/job/deploy/service@base64/b3JnL2FwcA/environment@base64/ZXUgd2VzdA",
    ],
    ["", "x", "metrics/job/deploy/service@base64/=/environment/x"],
    [".", "..", "metrics/job/deploy/service@base64/Lg/environment@base64/Li4"],
    ["a?b#c%2f", "ü", "metrics/job/deploy/service@base64/YT9iI2MlMmY/environment@base64/w7w"],
  ])("%j, %j", (service, environment, path) => {
    expect(groupPath("deploy", { service, environment })).toBe(path);
  });

  test("survives the URL parser whatever the labels are, and decodes to what was given", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.string({ unit: "grapheme" }),
        (service, environment) => {
          const path = groupPath("deploy", { service, environment });
          const url = new URL(groupUrl(new URL("http://127.0.0.1:9091/base/?x=1#y"), path));
          expect(url.pathname).toBe(`/base/${path}`);
          expect(url.search + url.hash).toBe("");
          const parts = path.split("/").slice(3);
          const decode = (name = "", value = ""): string =>
            name.endsWith("@base64") ? Buffer.from(value, "base64url").toString() : value;
          expect(decode(parts[0], parts[1])).toBe(service.toWellFormed());
          expect(decode(parts[2], parts[3])).toBe(environment.toWellFormed());
        },
      ),
    );
  });
});
