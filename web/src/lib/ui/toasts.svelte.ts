/** Short messages at the edge of the page: what was done, with a way back, and what failed. */
import { asProblem, wasAborted } from "../problems";

export interface Toast {
  id: number;
  text: string;
  kind: "done" | "failed";
  action: { label: string; run: () => void } | null;
}

const SECONDS = 7;

class Toasts {
  shown: Toast[] = $state.raw([]);
  #next = 1;

  /** Say that something was done. */
  done(text: string, action: Toast["action"] = null): void {
    this.#show(text, "done", action);
  }

  /** Say what went wrong; nothing for what was called off. */
  failed(error: unknown, action: Toast["action"] = null): void {
    if (!wasAborted(error)) this.#show(asProblem(error).message, "failed", action);
  }

  dismiss(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  #show(text: string, kind: Toast["kind"], action: Toast["action"]): void {
    const id = this.#next++;
    this.shown = [...this.shown.filter((toast) => toast.text !== text).slice(-2), { id, text, kind, action }];
    // A failure that can be answered stays until it is.
    if (kind === "done" || action === null) setTimeout(() => this.dismiss(id), SECONDS * 1000);
  }
}

export const toasts = new Toasts();
