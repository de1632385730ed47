/** What the page makes of the catalog's sound and of Opus packets. */

import assert from "node:assert/strict";
import test from "node:test";
import { fold, heardOf } from "../src/audio/fold";
import { duration } from "../src/audio/opus";
import { audioConfig } from "../src/catalog";

const stereo = { codec: "opus", sampleRate: 48_000, numberOfChannels: 2, container: { kind: "legacy" } };
const surround = { ...stereo, numberOfChannels: 6, description: "4f7075734865616401" };

function catalog(renditions: unknown): unknown {
  return { video: {}, audio: { renditions } };
}

test("the catalog's sound", () => {
  const config = audioConfig(catalog({ audio0: stereo }), 2);
  assert.deepEqual(config, { name: "audio0", codec: "opus", sampleRate: 48_000, channels: 2, description: undefined });
  const head = audioConfig(catalog({ audio1: surround }), 2)?.description;
  assert.equal(head && new TextDecoder().decode(head.subarray(0, 8)), "OpusHead");
});

test("of several renditions the richest that can be played, the newest of equals", () => {
  const both = catalog({ audio0: stereo, audio1: surround, audio2: stereo });
  assert.equal(audioConfig(both, 2)?.name, "audio2");
  assert.equal(audioConfig(both, 6)?.name, "audio1");
  assert.equal(audioConfig(both, 8)?.name, "audio1");
  assert.equal(audioConfig(both, 1)?.name, "audio2");
});

test("a catalog without a sound that we understand", () => {
  const odd = [{ ...stereo, codec: "mp4a.40.2" }, { ...stereo, numberOfChannels: 9 }, { ...stereo, description: 5 }, null];
  for (const bad of [null, {}, catalog(null), catalog({}), ...odd.map((one) => catalog({ audio0: one }))]) {
    assert.equal(audioConfig(bad, 8), undefined);
  }
});

test("how long an Opus packet sounds", () => {
  const toc = (config: number, code: number): number => (config << 3) | code;
  const cases: [number[], number | undefined][] = [
    [[], undefined],
    [[toc(28, 0)], 2_500],
    [[toc(29, 0)], 5_000],
    [[toc(30, 0)], 10_000],
    [[toc(31, 0)], 20_000],
    [[toc(29, 1)], 10_000],
    [[toc(28, 3), 4], 10_000],
    [[toc(3, 0)], 60_000],
    [[toc(13, 2)], 40_000],
    [[toc(29, 3), 0], undefined],
    [[toc(3, 3), 48], undefined],
  ];
  for (const [packet, us] of cases) assert.equal(duration(Uint8Array.from(packet)), us, String(packet));
});

test("7.1 is folded where there are fewer loudspeakers", () => {
  assert.deepEqual([heardOf(2, 2), heardOf(6, 2), heardOf(8, 2), heardOf(8, 6), heardOf(8, 8)], [2, 6, 6, 6, 8]);
  const planes = Array.from({ length: 8 }, (_, c) => Float32Array.of(c, -c));
  fold(planes);
  const half = Math.SQRT1_2;
  const expected = [[0, 0], [1, -1], [2, -2], [3, -3], [10 * half, -10 * half], [12 * half, -12 * half]];
  const near = (a: number, b: number | undefined): boolean => Math.abs(a - (b ?? Number.NaN)) < 1e-5;
  expected.forEach((samples, c) => assert.ok(samples.every((v, n) => near(v, planes[c]?.[n])), String(c)));
});
