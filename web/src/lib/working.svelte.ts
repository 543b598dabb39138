/** What somebody asked for and is being done: one thing at a time, by a name that its button knows it by. */
import { toasts } from "./ui/toasts.svelte";

export class Working<Name extends string> {
  doing: Name | null = $state(null);

  /** Do it. What fails is said at the edge of the page, and can be tried again there. */
  async run(name: Name, work: () => Promise<void>): Promise<void> {
    if (this.doing !== null) return;
    this.doing = name;
    try {
      await work();
    } catch (error) {
      toasts.failed(error, { label: "Try again", run: () => void this.run(name, work) });
    } finally {
      this.doing = null;
    }
  }
}
