/** What the page and the worker that opens pictures say to each other. */
import type { Schemas } from "../api";

export type Ticket = Schemas["Ticket"];

export type ToWorker = { say: "open"; id: number; ticket: Ticket; urgent: boolean } | { say: "cancel"; id: number };

export type FromWorker =
  | { say: "opened"; id: number; bytes: ArrayBuffer }
  /** `expired`: the address is not good any more, and another ticket of the same blob may be. */
  | { say: "failed"; id: number; message: string; expired: boolean; offline: boolean };
