/** Whether log-in asks for a code, which several forms want to know. */
import { api, type Schemas } from "../api";

class SecondFactor {
  state = $state.raw<Schemas["State"] | null>(null);
  #asked = false;

  get isOn(): boolean {
    return this.state?.on ?? false;
  }

  /** Ask once. Who learns nothing is told by the API when a code is needed. */
  look(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.load().catch(() => (this.#asked = false));
  }

  /** Ask anew. Throws `Problem`. */
  async load(): Promise<void> {
    this.state = await api.get("/auth/totp");
    this.#asked = true;
  }
}

export const secondFactor = new SecondFactor();
