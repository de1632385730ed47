// What a page plays of `beep-flash`, for the bench.
import { holds } from "./chromium.mjs";

/**
 * Listens and looks for so long, once the player has settled. Two lists; all in ms, `at` since 1970. `moments`: `sound`, from a
 * flash's commit until its beep is heard, `output`, by how much the device is behind the page in that, and `picture`, until it is
 * decoded. `samples`, ten times a second: what the player says of its `delay` and `drift`, by how much the device's `output`
 * is behind, and counts from some time on: packets `concealed`, `jumps`, and `underruns`, in which the browser had nothing
 * for the device (0 where it doesn't count them).
 */
export async function beeps(page, { seconds }) {
  await holds(page, () => window.__goggles.sound.metrics?.played > 400);
  await page.evaluate(listen);
  // The player looks back on ten seconds.
  await page.waitForTimeout(10_000);
  await page.evaluate(() => window.ear.begin());
  await page.waitForTimeout(seconds * 1000);
  return await page.evaluate(() => window.ear.end());
}

/** In the page. */
function listen() {
  const { sound } = window.__goggles;
  const [THRESHOLD, QUIET_US, APART_US] = [0.2, 100_000, 200_000];
  const ear = { beeps: [], flashes: [], samples: [] };
  const now = () => performance.timeOrigin + performance.now();
  let [loud, white] = [0, true];
  sound.tap((us, usPerFrame, [left]) => {
    left.forEach((sample, n) => {
      if (Math.abs(sample) < THRESHOLD) return;
      const at = us + n * usPerFrame;
      if (at - loud > QUIET_US) ear.beeps.push(at);
      loud = at;
    });
  });
  window.__goggles.onframe = ({ ptsUs, sinceCommit, yuv: [luma] }) => {
    if (luma > 128 && !white && sinceCommit !== undefined) ear.flashes.push({ at: now(), ptsUs, ms: sinceCommit, output: sound.outputLatency * 1000 });
    white = luma > 128;
  };
  let timer = 0;
  ear.begin = () => {
    for (const list of [ear.beeps, ear.flashes]) list.length = 0;
    timer = setInterval(() => {
      if (!sound.metrics) return;
      const { delay, drift, concealed, resyncs: jumps } = sound.metrics;
      const output = sound.outputLatency * 1000;
      const underruns = sound.underruns ?? 0;
      ear.samples.push({ at: now(), delay: delay / 1000, drift: drift / 1000, output, concealed, jumps, underruns });
    }, 100);
  };
  ear.end = () => {
    clearInterval(timer);
    sound.tap(undefined);
    window.__goggles.onframe = undefined;
    const moments = ear.flashes.flatMap(({ at, ptsUs, ms, output }) => {
      const beep = ear.beeps.find((at) => at > ptsUs && at < ptsUs + APART_US);
      return beep === undefined ? [] : [{ at, sound: (beep - ptsUs) / 1000, output, picture: ms }];
    });
    return { moments, samples: ear.samples };
  };
  window.ear = ear;
}
