// What a page plays of `beep-flash`, for the bench.
import { holds } from "./chromium.mjs";

/**
 * Listens and looks for so long, once the player has settled. Lists of milliseconds: `sound`, from a flash's commit until its
 * beep is heard; `picture`, until it is decoded; `apart`, the one less the other; and, ten times a second, what the player
 * says of its delay and drift, and by how much the device's output is behind. One number each: `concealed`, `jumps`, and
 * `underruns`, in which the browser had nothing for the device (none where it doesn't count them).
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
  const ear = { beeps: [], flashes: [], delay: [], drift: [], output: [] };
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
    if (luma > 128 && !white && sinceCommit !== undefined) ear.flashes.push({ ptsUs, ms: sinceCommit });
    white = luma > 128;
  };
  const counts = () => {
    const { concealed = 0, resyncs = 0 } = sound.metrics ?? {};
    return { concealed, resyncs, underruns: sound.underruns };
  };
  let [before, timer] = [counts(), 0];
  ear.begin = () => {
    for (const list of [ear.beeps, ear.flashes]) list.length = 0;
    before = counts();
    timer = setInterval(() => {
      if (!sound.metrics) return;
      ear.delay.push(sound.metrics.delay / 1000);
      ear.drift.push(sound.metrics.drift / 1000);
      ear.output.push(sound.outputLatency * 1000);
    }, 100);
  };
  ear.end = () => {
    clearInterval(timer);
    sound.tap(undefined);
    window.__goggles.onframe = undefined;
    const after = counts();
    const pairs = ear.flashes.flatMap(({ ptsUs, ms }) => {
      const beep = ear.beeps.find((at) => at > ptsUs && at < ptsUs + APART_US);
      return beep === undefined ? [] : [{ sound: (beep - ptsUs) / 1000, picture: ms }];
    });
    const { delay, drift, output } = ear;
    return {
      sound: pairs.map((pair) => pair.sound),
      picture: pairs.map((pair) => pair.picture),
      apart: pairs.map((pair) => pair.sound - pair.picture),
      delay,
      drift,
      output,
      concealed: [after.concealed - before.concealed],
      jumps: [after.resyncs - before.resyncs],
      underruns: after.underruns === undefined ? [] : [after.underruns - before.underruns],
    };
  };
  window.ear = ear;
}
