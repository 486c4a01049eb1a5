import type { Store } from "../store.ts";

/** A store that is loaded at its first use: many steps never touch the cache. */
export function lazyStore(load: () => Promise<Store>): Store {
  let loading: Promise<Store> | undefined;
  const store = (): Promise<Store> => (loading ??= load());
  return {
    lookUp: async (request) => (await store()).lookUp(request),
    restore: async (request) => (await store()).restore(request),
    save: async (request) => (await store()).save(request),
  };
}
