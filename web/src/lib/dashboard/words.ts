/** What happened, and what takes space, in words. Pure. */
import { bytes, count, plural } from "../format";
import type { IconName } from "../ui/icons";

interface Event {
  kind: string;
  detail: Readonly<Record<string, unknown>>;
}

export interface Told {
  text: string;
  icon: IconName;
  /** The page that it leads to, by its segments. */
  to?: readonly string[];
}

const RENDITIONS: Readonly<Record<string, string>> = {
  original: "Originals",
  preview: "Previews",
  thumbnail: "Thumbnails",
  face: "Faces",
  metadata: "Metadata",
  motion: "Moving parts of live photos",
};
export const rendition = (name: string): string => RENDITIONS[name] ?? capital(name.replaceAll("-", " "));

const DRIVERS: Readonly<Record<string, string>> = {
  s3: "Amazon S3",
  cloudinary: "Cloudinary",
  local: "This server",
};
export const driver = (name: string): string => DRIVERS[name] ?? name;

/** "image/svg+xml" as "SVG" */
export const contentType = (name: string): string => {
  const [, kind = name] = name.split("/");
  return kind.replace(/^x-|\+.*$/g, "").toUpperCase();
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Events of which a day has one, with the sums of what they count. */
const SUMS: Readonly<Record<string, readonly string[]>> = {
  "albums-built": ["albums"],
  upload: ["photos", "bytes"],
  "log-in": [],
};

/** The events of a day, the latest first; what happened again and again is told once, where it happened last. */
export function gathered<E extends Event>(events: readonly E[]): E[] {
  const told = new Map<string, E>();
  for (const [n, event] of events.entries()) {
    const sums = SUMS[event.kind];
    const key = sums ? `${event.kind} ${String(event.detail["user_agent"] ?? "")}` : String(n);
    const before = told.get(key);
    if (!sums || !before) {
      told.set(key, event);
      continue;
    }
    const number = (name: string): number => Number(before.detail[name] ?? 0) + Number(event.detail[name] ?? 0);
    const summed = Object.fromEntries(sums.map((name) => [name, number(name)]));
    told.set(key, {
      ...before,
      detail: { ...before.detail, ...summed, times: Number(before.detail["times"] ?? 1) + 1 },
    });
  }
  return [...told.values()];
}

/** An event as a sentence. What this gallery does not know yet is told by its name. */
export function told({ kind, detail }: Event): Told {
  const text = (name: string): string | null =>
    typeof detail[name] === "string" && detail[name] !== "" ? detail[name] : null;
  const number = (name: string): number => (typeof detail[name] === "number" ? detail[name] : 0);
  const many = (name: string): number => (Array.isArray(detail[name]) ? detail[name].length : 0);
  const quoted = (name: string, otherwise: string): string => {
    const given = text(name);
    return given === null ? otherwise : `“${given}”`;
  };
  const photo = text("image_id");
  const shown = photo ? { to: ["photos", photo] } : {};
  const person = text("person_id");
  const somebody = person ? { to: ["people", person] } : {};
  switch (kind) {
    case "sign-up":
      return { text: "You opened this vault.", icon: "person" };
    case "log-in":
      return { text: `You logged in${often(number("times"))}${browser(text("user_agent"))}.`, icon: "person" };
    case "session-ended":
      return {
        text: number("sessions") > 1 ? `${count(number("sessions"))} sessions were ended.` : "A session was ended.",
        icon: "logout",
      };
    case "session-revoked":
      return { text: `A session was ended for safety${because(text("because"))}.`, icon: "warning" };
    case "second-factor-on":
      return { text: "Logging in asks for a code from now on.", icon: "settings" };
    case "second-factor-off":
      return {
        text:
          text("by") === "operator"
            ? "The operator turned codes for logging in off."
            : "Logging in asks for no code any more.",
        icon: "settings",
      };
    case "second-factor-refused":
      return { text: `Somebody knew the password and not the code${browser(text("user_agent"))}.`, icon: "warning" };
    case "recovery-code-used":
      return { text: `A recovery code was used; ${plural(number("left"), "code")} left.`, icon: "warning" };
    case "recovery-codes-renewed":
      return { text: "New recovery codes were made.", icon: "settings" };
    case "password-changed":
      return {
        text: text("by") === "operator" ? "The operator set another password." : "The password was changed.",
        icon: "settings",
      };
    case "email-changed":
      return { text: "The e-mail address was changed.", icon: "settings" };
    case "upload":
      return {
        text: `${plural(number("photos"), "photo")} added, ${bytes(number("bytes"))}.`,
        icon: "upload",
        to: ["photos"],
      };
    case "albums-built":
      return {
        text: `${plural(number("albums"), "new album")} made by themselves.`.replace(
          "1 new album made by themselves",
          "1 new album made by itself",
        ),
        icon: "albums",
        to: ["albums"],
      };
    case "album-created": {
      const album = text("album_id");
      return {
        text: `You made the album ${quoted("title", "without a title")}.`,
        icon: "albums",
        ...(album ? { to: ["albums", album] } : {}),
      };
    }
    case "person-named":
      return {
        text: text("name") ? `You named somebody ${quoted("name", "")}.` : "You took a name back.",
        icon: "people",
        ...somebody,
      };
    case "people-merged":
      return { text: "You said that several people are one.", icon: "people", ...somebody };
    case "person-split":
      return { text: "You said that some faces are somebody else's.", icon: "people", ...somebody };
    case "correction-undone":
      return { text: "You took back what you had said about people.", icon: "restore" };
    case "photo-deleted":
      return { text: "A photo was moved to the trash.", icon: "trash", to: ["trash"] };
    case "photos-deleted":
      return { text: `${plural(number("photos"), "photo")} moved to the trash.`, icon: "trash", to: ["trash"] };
    case "photo-restored":
      return { text: "A photo came back from the trash.", icon: "restore", ...shown };
    case "photos-restored":
      return { text: `${plural(number("photos"), "photo")} came back from the trash.`, icon: "restore" };
    case "photo-purged":
      return { text: "A photo was removed for good.", icon: "trash" };
    case "photos-purged":
      return { text: `${plural(number("photos"), "photo")} removed for good.`, icon: "trash" };
    case "time-corrected":
      return {
        text: detail["restored"] === true ? "A photo has the time of its file again." : "You corrected a photo's time.",
        icon: "clock",
        ...shown,
      };
    case "times-shifted":
      return {
        text: `The times of ${plural(number("changed"), "photo")} were ${detail["restore"] === true ? "set back" : "shifted"}.`,
        icon: "clock",
      };
    case "place-corrected":
      return {
        text:
          detail["restored"] === true ? "A photo has the place of its file again." : "You corrected a photo's place.",
        icon: "map",
        ...shown,
      };
    case "places-corrected":
      return {
        text: `${plural(number("changed"), "photo")} ${detail["restored"] === true ? "given back the places of their files" : "put on the map by you"}.`,
        icon: "map",
      };
    case "duplicates-resolved":
      return { text: `You kept one photo of ${count(many("removed") + 1)} that look alike.`, icon: "photos", ...shown };
    case "duplicates-dismissed":
      return { text: `You said that ${plural(many("images"), "photo")} are no copies.`, icon: "photos" };
    case "share-created":
      return { text: `You shared ${quoted("title", "photos")} by a link.`, icon: "share" };
    case "share-opened":
      return { text: `Somebody opened the link to ${quoted("title", "your photos")}.`, icon: "share" };
    case "share-revoked":
      return { text: `The link to ${quoted("title", "your photos")} does not work any more.`, icon: "share" };
    case "export-made":
      return { text: "An export of the vault was made.", icon: "download" };
    case "api-key-created":
      return { text: `You made the API key ${quoted("name", "without a name")}.`, icon: "settings" };
    case "api-key-revoked":
      return { text: `The API key ${quoted("name", "without a name")} does not work any more.`, icon: "settings" };
    case "webhook-created":
      return { text: `You made the webhook ${quoted("description", "without a description")}.`, icon: "settings" };
    case "webhook-moved":
      return {
        text: `The webhook ${quoted("description", "without a description")} has another address.`,
        icon: "settings",
      };
    case "webhook-secret-changed":
      return {
        text: `The webhook ${quoted("description", "without a description")} has a new secret.`,
        icon: "settings",
      };
    case "webhook-removed":
      return { text: `The webhook ${quoted("description", "without a description")} was removed.`, icon: "settings" };
    case "webhook-stopped":
      return { text: `A webhook was stopped${because(text("because"))}.`, icon: "warning" };
    default:
      return { text: `${capital(kind.replaceAll("-", " "))}.`, icon: "info" };
  }
}

const often = (times: number): string => (times > 2 ? ` ${count(times)} times` : times === 2 ? " twice" : "");
const because = (reason: string | null): string => (reason ? `: ${reason.replace(/\.$/, "")}` : "");

/** " with Firefox on Android", as far as a browser says so. */
export function browser(agent: string | null): string {
  if (!agent) return "";
  const name = [
    ["Edg", "Edge"],
    ["OPR", "Opera"],
    ["Firefox", "Firefox"],
    ["Chrome", "Chrome"],
    ["Safari", "Safari"],
    ["photovault", "the command line"],
    ["python", "a program"],
    ["curl", "curl"],
  ].find(([mark]) => agent.includes(mark as string))?.[1];
  const system = [
    ["Android", "Android"],
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Windows", "Windows"],
    ["Mac OS", "Mac"],
    ["Linux", "Linux"],
  ].find(([mark]) => agent.includes(mark as string))?.[1];
  return `${name ? ` with ${name}` : ""}${system ? ` on ${system}` : ""}`;
}
