/**
 * Where the API is: above the folder that this script was loaded from, whatever a gateway's stage or a proxy puts before
 * it. While developing, scripts come from Vite, which passes the API's paths on.
 */
export const BASE: URL = import.meta.env.DEV
  ? new URL("/", globalThis.location?.href ?? "http://localhost/")
  : new URL("../", /* @vite-ignore */ import.meta.url);

/** The address of a path of the API, with the query's values that are given; lists repeat their name. */
export function addressOf(path: string, query: Query = {}): URL {
  const address = new URL(path.replace(/^\//, ""), BASE);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null) address.searchParams.append(name, String(each));
    }
  }
  return address;
}

type Value = string | number | boolean | null | undefined;
export type Query = Record<string, Value | readonly Value[]>;
