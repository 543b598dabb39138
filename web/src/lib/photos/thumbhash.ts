/** The blurred picture that stands in for a thumbnail, from the 25 bytes that came with the list. */
import { thumbHashToDataURL } from "thumbhash";

import { Lru } from "../tickets/lru";

const made = new Lru<string>(2000, () => {});

export function placeholder(thumbhash: string | null): string | null {
  if (thumbhash === null) return null;
  let url = made.get(thumbhash);
  if (url === undefined) {
    try {
      url = thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (character) => character.charCodeAt(0)));
    } catch {
      return null;
    }
    made.set(thumbhash, url, 1);
  }
  return url;
}
