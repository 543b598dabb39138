"use strict";
// The page behind a share link. It knows its own address and nothing else; what it shows, it asks for below it.

const base = location.pathname.replace(/\/+$/, "");
const at = (id) => document.getElementById(id);
const photos = [];
let shared = null;
let cursor = null;
let loading = false;
let unlockedAt = -Infinity;
let shown = -1;
let touched = null;

class Problem extends Error {
  constructor(status, detail, wait) {
    super(detail);
    this.status = status;
    this.wait = wait;
  }
}

async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(base + path, {
      method: body ? "POST" : "GET",
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Problem(0, "The vault cannot be reached. Are you online?");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Problem(answer.status, told.detail || "The vault answered in a way that this page does not know.",
      Number(answer.headers.get("Retry-After")) || 0);
  }
  return told;
}

function show(state) {
  document.body.dataset.state = state;
}

function fail(problem) {
  at("viewer").close();
  if (problem.status === 404) return show("gone");
  // Not twice in a row: a browser that keeps no cookie would use up opening after opening.
  const forgotten = problem.status === 401 && performance.now() - unlockedAt < 60000;
  if (problem.status === 401 && !forgotten) return start();
  at("failed-why").textContent = forgotten
    ? "Your browser does not keep this page's cookie, which shows that you may see the photos. Allow it, and try again."
    : problem.message;
  show("failed");
}

// ---- opening

async function start() {
  show("opening");
  try {
    shared = await ask("");
    if (!shared.is_open) {
      if (shared.has_password) {
        show("locked");
        return at("password").focus();
      }
      shared = await ask("/unlock", {});
      unlockedAt = performance.now();
    }
    await open();
  } catch (problem) {
    fail(problem);
  }
}

async function unlock(event) {
  event.preventDefault();
  const field = at("password");
  const button = event.target.querySelector("button");
  at("wrong").textContent = "";
  button.disabled = true;
  try {
    shared = await ask("/unlock", { password: field.value });
    unlockedAt = performance.now();
    field.value = "";
    await open();
  } catch (problem) {
    if (problem.status !== 401 && problem.status !== 429) return fail(problem);
    at("wrong").textContent = problem.status === 401
      ? "This is not the password."
      : `Too many attempts. Try again in ${problem.wait || 60} seconds.`;
    field.select();
    field.focus();
  } finally {
    button.disabled = false;
  }
}

async function open() {
  photos.length = 0;
  cursor = null;
  at("grid").replaceChildren();
  const title = shared.title || "Shared photos";
  document.title = title;
  at("title").textContent = title;
  const said = [shared.photos === 1 ? "1 photo" : `${shared.photos} photos`];
  if (shared.expires_at) {
    said.push(`until ${new Date(shared.expires_at).toLocaleString([], { dateStyle: "long", timeStyle: "short" })}`);
  }
  at("about").textContent = said.join(" · ");
  await load();
  at("empty").hidden = photos.length > 0;
  show("open");
  at("heading").focus();
}

// ---- the grid

async function load() {
  if (loading) return;
  loading = true;
  at("more").disabled = true;
  try {
    const page = await ask(`/photos?limit=100${cursor ? `&cursor=${cursor}` : ""}`);
    cursor = page.next_cursor;
    at("grid").append(...page.items.map((photo, index) => tile(photo, photos.length + index)));
    photos.push(...page.items);
    at("more").hidden = !cursor;
  } finally {
    loading = false;
    at("more").disabled = false;
  }
}

function tile(photo, index) {
  const ratio = photo.width && photo.height ? Math.min(3, Math.max(0.5, photo.width / photo.height)) : 1;
  const item = document.createElement("li");
  const button = document.createElement("button");
  const image = document.createElement("img");
  item.style.setProperty("--ratio", ratio.toFixed(3));
  button.type = "button";
  button.style.backgroundColor = average(photo.thumbhash);
  button.addEventListener("click", () => view(index));
  image.alt = `Photo ${index + 1}`;
  image.loading = "lazy";
  image.decoding = "async";
  image.dataset.waiting = "";
  image.addEventListener("load", () => delete image.dataset.waiting);
  image.addEventListener("error", check);
  image.src = `${base}/photos/${photo.id}/thumbnail`;
  button.append(image);
  item.append(button);
  return item;
}

// The mean colour of a ThumbHash: its first three numbers, lightness and two differences of colour.
function average(hash) {
  if (!hash) return "";
  const bytes = Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0));
  const bits = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const l = (bits & 63) / 63;
  const p = ((bits >> 6) & 63) / 31.5 - 1;
  const q = ((bits >> 12) & 63) / 31.5 - 1;
  const blue = l - (2 / 3) * p;
  const red = (3 * l - blue + q) / 2;
  const levels = [red, red - q, blue].map((level) => Math.round(255 * Math.min(1, Math.max(0, level))));
  return `rgb(${levels.join(" ")})`;
}

// A picture that does not come may be a share that has ended.
let checking = false;
async function check() {
  if (checking) return;
  checking = true;
  try {
    const now = await ask("");
    if (!now.is_open) start();
  } catch (problem) {
    fail(problem);
  } finally {
    setTimeout(() => { checking = false; }, 5000);
  }
}

// ---- one photo

function view(index) {
  if (index < 0 || index >= photos.length) return;
  shown = index;
  const photo = photos[index];
  const picture = at("picture");
  picture.src = `${base}/photos/${photo.id}/preview`;
  picture.alt = `Photo ${index + 1} of ${shared.photos}`;
  at("where").textContent = `${index + 1} of ${Math.max(shared.photos, photos.length)}`;
  at("before").hidden = index === 0;
  at("after").hidden = index === photos.length - 1 && !cursor;
  const download = at("download");
  download.hidden = !photo.download;
  if (photo.download) {
    download.href = `${base}/photos/${photo.id}/original`;
    download.download = "";
    download.textContent = photo.download === "preview" ? "Download as JPEG" : "Download";
  }
  if (!at("viewer").open) at("viewer").showModal();
  if (photos[index + 1]) new Image().src = `${base}/photos/${photos[index + 1].id}/preview`;
  if (index > photos.length - 5 && cursor) {
    load().then(() => { if (shown === index) at("after").hidden = index === photos.length - 1; }, fail);
  }
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const steps = { ArrowLeft: -1, ArrowRight: 1 };
  if (event.key in steps) {
    event.preventDefault();
    view(shown + steps[event.key]);
  } else if (event.key === "Home" || event.key === "End") {
    event.preventDefault();
    view(event.key === "Home" ? 0 : photos.length - 1);
  } else if ((event.key === "d" || event.key === "D") && !at("download").hidden) {
    at("download").click();
  }
}

function closed() {
  at("picture").removeAttribute("src");
  at("grid").children[shown]?.firstChild.focus();
}

at("again").addEventListener("click", start);
at("unlock").addEventListener("submit", unlock);
at("more").addEventListener("click", () => load().catch(fail));
at("close").addEventListener("click", () => at("viewer").close());
at("before").addEventListener("click", () => view(shown - 1));
at("after").addEventListener("click", () => view(shown + 1));
at("picture").addEventListener("error", () => { if (at("viewer").open) check(); });
at("viewer").addEventListener("keydown", keys);
at("viewer").addEventListener("close", closed);
at("viewer").addEventListener("pointerdown", (event) => {
  touched = event.isPrimary && event.pointerType === "touch" ? [event.clientX, event.clientY] : null;
});
at("viewer").addEventListener("pointerup", (event) => {
  if (!touched || (window.visualViewport && window.visualViewport.scale > 1.01)) return;
  const [across, down] = [event.clientX - touched[0], event.clientY - touched[1]];
  touched = null;
  if (Math.abs(across) > 50 && Math.abs(across) > 1.5 * Math.abs(down)) view(shown + (across < 0 ? 1 : -1));
});
new IntersectionObserver((seen) => {
  if (seen.some((each) => each.isIntersecting) && cursor && document.body.dataset.state === "open") load().catch(fail);
}, { rootMargin: "800px" }).observe(at("more-of-them"));

if (document.body.dataset.state === "opening") start();
