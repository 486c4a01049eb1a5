import type { Route } from "@go-cicd/local/services/routes.ts";
import type { Services } from "@go-cicd/local/services/server.ts";

/** GitHub's REST API for caches, as far as set-up uses it, over the entries of a cache service. */
export function cacheApi(services: () => Services, token: string): Route[] {
  const allowed = (authorization: string | undefined): boolean =>
    authorization === `Bearer ${token}`;
  return [
    {
      method: "GET",
      path: /^\/api\/repos\/[^/]+\/[^/]+\/actions\/caches$/,
      answer: async (exchange) => {
        if (!allowed(exchange.request.headers.authorization)) {
          await exchange.sendJson(403, { message: "Resource not accessible by integration" });
          return;
        }
        const { searchParams } = exchange.url;
        const found = (await services().cache.list()).filter(
          ({ key, scope }) =>
            key.startsWith(searchParams.get("key") ?? "") && scope === searchParams.get("ref"),
        );
        await exchange.sendJson(200, {
          total_count: found.length,
          actions_caches: found.map(({ id, key, scope: ref }) => ({ id, key, ref })),
        });
      },
    },
    {
      method: "DELETE",
      path: /^\/api\/repos\/[^/]+\/[^/]+\/actions\/caches\/(\d+)$/,
      answer: async (exchange, [id]) => {
        if (!allowed(exchange.request.headers.authorization)) {
          await exchange.sendJson(403, { message: "Resource not accessible by integration" });
          return;
        }
        const found = (await services().cache.list()).find((entry) => String(entry.id) === id);
        if (found !== undefined) await services().cache.remove(found);
        await exchange.send(found === undefined ? 404 : 204, "");
      },
    },
  ];
}
