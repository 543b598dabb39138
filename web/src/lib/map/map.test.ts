import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { decode, type Topology } from "./atlas";
import { nameOf, short, SIDE, spread, whereabouts, type Cluster } from "./clusters";
import {
  around,
  boxOf,
  farthest,
  held,
  latOf,
  lonOf,
  measure,
  moved,
  onScreen,
  project,
  read,
  readBox,
  scaleOf,
  viewOf,
  written,
  zoomed,
} from "./projection";

const SIZE = { width: 1000, height: 700 };
const LISBON = { lat: 38.7139, lon: -9.1394 };
const FIJI = { lat: -17.8, lon: 178.1 };
const SAMOA = { lat: -13.8, lon: -171.8 };

test.each([LISBON, FIJI, SAMOA, { lat: 0, lon: -180 }, { lat: 85, lon: 179.99 }])(
  "%o comes back from the map",
  (place) => {
    const { x, y } = project(place.lat, place.lon);
    expect(latOf(y)).toBeCloseTo(place.lat, 9);
    expect(lonOf(x)).toBeCloseTo(place.lon, 9);
  },
);

test("poles lie on the map's edge", () => {
  expect(project(90, 0).y).toBeCloseTo(0, 9);
  expect(project(-90, 0).y).toBeCloseTo(1, 9);
});

test.each([0.5, 1, 3, -2])("what is pointed at stays where it is while zooming by %d", (by) => {
  const view = held({ ...project(LISBON.lat, LISBON.lon), zoom: 9 }, SIZE);
  const at = { x: 210, y: -130 };
  const middle = { x: at.x + SIZE.width / 2, y: at.y + SIZE.height / 2 };
  const pointed = { x: view.x + at.x / scaleOf(view.zoom), y: view.y + at.y / scaleOf(view.zoom) };
  const seen = onScreen(pointed, zoomed(view, by, SIZE, at), SIZE);
  expect(seen.x).toBeCloseTo(middle.x, 3);
  expect(seen.y).toBeCloseTo(middle.y, 3);
});

test("the world ends at the poles and goes on at the sides", () => {
  const whole = held({ x: 0.5, y: 0.5, zoom: -3 }, SIZE);
  expect(whole.zoom).toBe(farthest(SIZE));
  expect(moved(whole, { x: 0, y: 5000 }, SIZE).y * scaleOf(whole.zoom)).toBeCloseTo(350);
  expect(moved(whole, { x: 700, y: 0 }, SIZE).x).toBeCloseTo(0.8);
});

test("a box over the antimeridian is asked for as one", () => {
  const [west, , east] = boxOf(held({ ...project(-16, 179.5), zoom: 5 }, SIZE), SIZE);
  expect(west).toBeGreaterThan(150);
  expect(east).toBeLessThan(-150);
  expect(boxOf(held({ x: 0.9, y: 0.5, zoom: 0 }, SIZE), SIZE).filter((_, at) => at % 2 === 0)).toEqual([-180, 180]);
});

test("the box around places is the shorter way around the world", () => {
  expect(around([])).toBeNull();
  expect(around([LISBON])).toEqual([LISBON.lon, LISBON.lat, LISBON.lon, LISBON.lat]);
  expect(around([FIJI, SAMOA])).toEqual([FIJI.lon, FIJI.lat, SAMOA.lon, SAMOA.lat]);
  expect(around([LISBON, { lat: 52.5, lon: 13.4 }])).toEqual([LISBON.lon, LISBON.lat, 13.4, 52.5]);
});

test.each([[[FIJI, SAMOA]], [[LISBON, FIJI]], [[LISBON, { lat: 64.1, lon: -21.9 }]]])(
  "%o all fit the screen",
  (places) => {
    const box = around(places);
    const view = viewOf(box as NonNullable<typeof box>, SIZE);
    for (const { lat, lon } of places) {
      const { x, y } = onScreen(project(lat, lon), view, SIZE);
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(SIZE.width);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(SIZE.height);
    }
  },
);

test("an address carries a window, and nonsense is none", () => {
  const view = held({ ...project(LISBON.lat, LISBON.lon), zoom: 11.25 }, SIZE);
  const again = read(written(view));
  expect(again?.zoom).toBe(11.25);
  expect(again?.x).toBeCloseTo(view.x, 6);
  for (const text of [null, "", "1,2", "x,y,z", "95,0,3", "0,200,3"]) expect(read(text)).toBeNull();
  for (const text of [null, "", "1,2,3", "0,5,1,4", "0,0,181,1"]) expect(readBox(text)).toBeNull();
  expect(readBox("179,-18,-179,-16")).toEqual([179, -18, -179, -16]);
});

test.each([
  [2, "2000 km"],
  [10, "10 km"],
  [17, "100 m"],
])("at zoom %d the scale says %s", (zoom, words) => {
  const { words: said, pixels } = measure({ x: 0.5, y: 0.5, zoom });
  expect(said).toBe(words);
  expect(pixels).toBeGreaterThan(40);
  expect(pixels).toBeLessThanOrEqual(110);
});

test("clusters give way to one another, and not far", () => {
  const points = [
    { x: 100, y: 100 },
    { x: 110, y: 100 },
    { x: 400, y: 100 },
    { x: 400, y: 100 },
  ];
  const placed = spread(points);
  expect(placed).toEqual(spread(points));
  for (const [one, other] of [
    [0, 1],
    [2, 3],
  ] as const) {
    const [a, b] = [placed[one], placed[other]];
    if (!a || !b) throw new Error("lost");
    expect(Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y))).toBeGreaterThanOrEqual(SIDE);
  }
  for (const [at, { x, y }] of placed.entries()) {
    expect(Math.abs(x - (points[at]?.x ?? NaN))).toBeLessThanOrEqual(34);
    expect(Math.abs(y - (points[at]?.y ?? NaN))).toBeLessThanOrEqual(34);
  }
  expect(spread([{ x: 1, y: 2 }])).toEqual([{ x: 1, y: 2 }]);
});

test("a cluster says where it is, and whether that is guessed", () => {
  const place = { city: null, region: "Lisbon District", country: "Portugal", country_code: "PT" };
  const cluster = { count: 3, estimated: 0, place, lat: 38.71, lon: -9.139 } as Cluster;
  expect(nameOf(cluster)).toBe("Lisbon District, Portugal");
  expect(whereabouts(cluster)).toBe("Lisbon District, Portugal");
  expect(whereabouts({ ...cluster, place: null, estimated: 2 })).toBe(
    "38.71° N, 9.14° W, 2 of them at an estimated place",
  );
  expect(whereabouts({ ...cluster, count: 1, estimated: 1 })).toBe("Lisbon District, Portugal, at an estimated place");
  expect(nameOf({ ...cluster, place: { ...place, region: null } })).toBe("Portugal");
  expect(nameOf({ ...cluster, place: null })).toBeNull();
  expect([1, 999, 1234, 9960, 123456].map(short)).toEqual(["1", "999", "1.2k", "10k", "123k"]);
});

test("the atlas has every country in one piece of the map or several", () => {
  const topology = JSON.parse(readFileSync("node_modules/world-atlas/countries-110m.json", "utf8")) as Topology;
  const { lands, names } = decode(topology);
  expect(names.length).toBeGreaterThan(170);
  for (const { rings, west, east, north, south } of lands) {
    const [coast] = rings;
    expect(coast?.length).toBeGreaterThanOrEqual(8);
    expect(coast?.slice(0, 2)).toEqual(coast?.slice(-2));
    for (const edge of [north, south]) expect(edge >= -1e-9 && edge <= 1 + 1e-9).toBe(true);
    expect(east - west).toBeLessThanOrEqual(1 + 1e-9);
    for (let at = 2; at < (coast?.length ?? 0) - 6; at += 2) {
      expect(Math.abs((coast?.[at] ?? 0) - (coast?.[at - 2] ?? 0))).toBeLessThan(0.2);
    }
  }
  const russia = names.find(({ text }) => text === "Russia");
  expect(lonOf(russia?.x ?? 0)).toBeGreaterThan(80);
  expect(lonOf(russia?.x ?? 0)).toBeLessThan(115);
  const portugal = names.find(({ text }) => text === "Portugal");
  expect(lonOf(portugal?.x ?? 0)).toBeCloseTo(-8, 0);
  expect(latOf(portugal?.y ?? 0)).toBeCloseTo(39.6, 0);
});
