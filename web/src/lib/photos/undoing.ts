/** A way back in a message. */
import { toasts } from "../ui/toasts.svelte";

/** Does it when asked to, and can be asked again when that fails. */
export function undoing(undo: () => Promise<void>): { label: string; run: () => void } {
  const run = async (): Promise<void> => {
    try {
      await undo();
    } catch (error) {
      toasts.failed(error, { label: "Try again", run: () => void run() });
    }
  };
  return { label: "Undo", run: () => void run() };
}
