/** Captions that were typed and not saved, by photo, and labels by "label:" and photo, for as long as the page is open. */
import { session } from "../session.svelte";

export const drafts = new Map<string, string>();

addEventListener("beforeunload", (event) => {
  if (drafts.size > 0 && session.user) event.preventDefault();
});
