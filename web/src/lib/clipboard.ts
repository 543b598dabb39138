import { toasts } from "./ui/toasts.svelte";

/** Put a text on the clipboard and say so; `what` begins the sentence, such as "The link". */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toasts.done(`${what} is copied.`);
  } catch {
    toasts.done(`This browser does not let the page copy. Select the text and copy it yourself.`);
  }
}
