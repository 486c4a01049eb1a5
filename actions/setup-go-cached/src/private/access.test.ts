import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { goSettings } from "../go-settings.ts";
import { grantAccess, withdrawAccess } from "./access.ts";

const TOKEN = "ghp_0123456789";

function granted(
  inputs: { private?: string[]; privateToken?: string } = {},
  env: Record<string, string> = {},
) {
  const ports = fakePorts({ env });
  grantAccess(
    { private: inputs.private ?? ["github.com/acme/*"], privateToken: inputs.privateToken },
    goSettings(ports.env),
    ports,
  );
  return ports;
}

describe("access to private modules", () => {
  it("sets nothing when nothing is asked for", () => {
    expect(granted({ private: [] }).exported).toEqual({});
  });

  it("sets GOPRIVATE alone without a token, as in a pull request from a fork", () => {
    expect(granted({}, { GOPRIVATE: "x.org" }).exported).toEqual({
      GOPRIVATE: "x.org,github.com/acme/*",
    });
  });

  it("holds the token in one variable, and in no setting and no state", () => {
    const ports = granted({ privateToken: TOKEN });
    const { GO_CICD_PRIVATE_TOKEN_0: token, ...rest } = ports.exported;
    expect(token).toBe(TOKEN);
    expect(JSON.stringify([rest, [...ports.state.saved]])).not.toContain(TOKEN);
    expect(ports.log.messages().join("\n")).not.toContain(TOKEN);
    expect(ports.log.masked).toContain(`x-access-token:${TOKEN}`);
    expect(rest["GIT_CONFIG_COUNT"]).toBe("5");
    expect(rest).toMatchObject({
      GIT_CONFIG_KEY_0: "credential.https://github.com.helper",
      GIT_CONFIG_VALUE_0: "",
      GIT_CONFIG_KEY_2: "url.https://github.com/acme/.insteadOf",
      GIT_CONFIG_VALUE_2: "git@github.com:acme/",
      GIT_CONFIG_VALUE_3: "ssh://git@github.com/acme/",
      GIT_CONFIG_KEY_4: "url.git@github.com:acme/orders.git.insteadOf",
    });
  });

  it("goes on behind settings there are, and gives them back", () => {
    const before = { GIT_CONFIG_COUNT: "2", GOPRIVATE: "x.org" };
    const ports = granted({ privateToken: TOKEN }, before);
    expect(ports.exported["GIT_CONFIG_KEY_2"]).toBe("credential.https://github.com.helper");
    withdrawAccess(ports);
    expect(ports.exported).toMatchObject({ ...before, GO_CICD_PRIVATE_TOKEN_2: "" });
    expect(Object.values(ports.exported)).not.toContain(TOKEN);
  });

  it("can be given twice in a job, for two hosts, and all of it is taken back", () => {
    const first = granted({ privateToken: TOKEN });
    const other = { private: ["git.example.com/x"], privateToken: "glpat_9876543210" };
    const second = granted(other, first.exported);
    expect(second.exported).toMatchObject({
      GOPRIVATE: "github.com/acme/*,git.example.com/x",
      GO_CICD_PRIVATE_TOKEN_5: "glpat_9876543210",
      GIT_CONFIG_KEY_5: "credential.https://git.example.com.helper",
    });
    // Post stages run the other way round.
    withdrawAccess(second);
    const left = { ...first.exported, ...second.exported };
    Object.assign(first.env, left);
    withdrawAccess(first);
    Object.assign(left, first.exported);
    expect(left).toMatchObject({ GIT_CONFIG_COUNT: "0", GOPRIVATE: "" });
    expect(
      Object.entries(left).filter(([, value]) => /ghp_|glpat_|insteadOf|helper/.test(value)),
    ).toEqual([]);
  });

  it("refuses what it cannot do in one message that does not quote the token", () => {
    expect(() => granted({ private: ["https://x"], privateToken: "a b c" })).toThrow(
      /private: .*address.*\n- private-token must be one word/s,
    );
    expect(() => granted({ private: [], privateToken: "ghp_1" })).toThrow(/needs private/);
    expect(() => granted({ private: ["a b"], privateToken: "a bc" })).toThrow(/^((?!a bc).)*$/s);
    expect(() => granted({ privateToken: TOKEN }, { GIT_CONFIG_COUNT: "x" })).toThrow(
      /GIT_CONFIG_COUNT/,
    );
  });

  it("takes nothing back that it did not set", () => {
    const ports = fakePorts();
    withdrawAccess(ports);
    expect(ports.exported).toEqual({});
  });
});
