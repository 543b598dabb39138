/**
 * Which page is shown. A page's address stands behind the # (`#/photos/0192…?from=2024-05`): it works under any path that
 * the gallery is served at, collides with no path of the API, and is never sent anywhere.
 */
export interface Place {
  /** The first segment, "photos" when there is none. */
  page: string;
  /** The second segment, such as an id. */
  id: string | null;
  /** Segments after the second. */
  rest: readonly string[];
  query: URLSearchParams;
}

export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [page, id, ...rest] = path.split("/").filter(Boolean).map(decoded);
  return { page: page ?? "photos", id: id ?? null, rest, query: new URLSearchParams(query) };
}

/** The address of a page, for `href`. */
export function link(
  segments: string | readonly string[],
  query: Record<string, string | null | undefined> = {},
): string {
  const path = [segments].flat().map(encodeURIComponent).join("/");
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] != null && pair[1] !== "");
  const asked = new URLSearchParams(given).toString();
  return `#/${path}${asked && `?${asked}`}`;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Milliseconds that a browser may take to go back; one on a busy machine takes more than half a second. */
const PATIENCE = 3000;

class Router {
  place: Place = $state.raw(parse(globalThis.location?.hash ?? ""));
  /** How far down the page was, in pixels, when somebody went on from where they have come back to; else 0. */
  top = 0;
  /** How many pages of this gallery lie behind, so that "back" does not leave it. */
  #depth = 0;

  constructor() {
    globalThis.addEventListener?.("hashchange", () => this.#read());
    globalThis.addEventListener?.("popstate", () => this.#read());
    this.#depth = depthOf(globalThis.history?.state);
    this.top = topOf(globalThis.history?.state);
    if (globalThis.history?.state === null) history.replaceState({ depth: 0 }, "");
  }

  go(to: string, { replace = false }: { replace?: boolean } = {}): void {
    if (to === location.hash) return;
    if (replace) history.replaceState({ ...(history.state as object | null), depth: this.#depth }, "", to);
    else {
      this.keepTop();
      this.#depth += 1;
      history.pushState({ depth: this.#depth }, "", to);
    }
    this.#read();
  }

  /** Note how far down the page is, for who comes back to it. */
  keepTop(): void {
    history.replaceState({ ...(history.state as object | null), depth: this.#depth, top: Math.round(scrollY) }, "");
  }

  /** To where the person came from, or to `otherwise` when that is not in this gallery. */
  back(otherwise: string): void {
    if (this.#depth > 0) history.back();
    else this.go(otherwise, { replace: true });
  }

  /**
   * Forget where the person was: what its addresses say stands neither in the address bar nor behind "back", as far as
   * these are pages of the gallery. What the browser's own list of visits keeps is out of a page's reach.
   */
  async leave(to = "#/"): Promise<void> {
    if (!globalThis.history) return;
    if (this.#depth > 0) {
      const there = new Promise((resolve) => addEventListener("popstate", resolve, { once: true }));
      history.go(-this.#depth);
      await Promise.race([there, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    }
    this.#depth = 1;
    history.replaceState({ depth: 0 }, "", to);
    history.pushState({ depth: 1 }, "", to); // and what lay ahead is gone, too
    this.#read();
  }

  #read(): void {
    // A link that was followed has made an entry without a state.
    this.#depth = history.state === null ? this.#depth + 1 : depthOf(history.state);
    if (history.state === null) history.replaceState({ depth: this.#depth }, "");
    this.top = topOf(history.state);
    this.place = parse(location.hash);
  }
}

function depthOf(state: unknown): number {
  return (state as { depth?: number } | null)?.depth ?? 0;
}

function topOf(state: unknown): number {
  return (state as { top?: number } | null)?.top ?? 0;
}

export const router = new Router();
