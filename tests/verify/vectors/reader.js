// A reader of test vectors without Python: it feeds them to a program that speaks the protocol, and judges.
//
//     node reader.js scalars.jsonl.gz node engine.js
//
// It counts the verdicts, and prints them as JSON. In double precision a true number is rounded by up to
// 2^-53 of it, so that much is added to the tolerance.
"use strict";
const { spawnSync } = require("child_process");
const { readFileSync } = require("fs");
const { gunzipSync } = require("zlib");

const [, , path, command, ...options] = process.argv;
const lines = gunzipSync(readFileSync(path)).toString("ascii").trimEnd().split("\n");
const answersTo = (input) =>
  spawnSync(command, options, { input, maxBuffer: 2 ** 30 }).stdout.toString().trimEnd().split("\n").map(JSON.parse);

function readNumber(text) {
  const parts = /^(-?)0x([0-9a-f]+)\.?([0-9a-f]*)p([+-]?\d+)$/.exec(text);
  if (!parts) return NaN;
  const size = Number(`0x${parts[2]}${parts[3]}`) * 2 ** (Number(parts[4]) - 4 * parts[3].length);
  return parts[1] ? -size : size;
}

const slack = (true_, tolerance) => Number(tolerance) + 2 ** -53 * Math.abs(true_);
const isNear = (x, number, tolerance) => Math.abs(x - Number(number)) <= slack(Number(number), tolerance);
const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);
const columns = (rows) => rows[0].map((_, k) => rows.map((row) => row[k]));

// Whether each number lies between the smallest and the largest of its ends.
const isSpanned = (ends, got, tolerances) =>
  columns(ends).every((column, k) => {
    const [least, most] = [Math.min(...column), Math.max(...column)];
    return least - slack(least, tolerances[k]) <= got[k] && got[k] <= most + slack(most, tolerances[k]);
  });

// Whether one share from 0 to 1 of the way from p to q gives all numbers.
function isOnSegment([p, q], got, tolerances) {
  let [lowest, highest] = [0, 1];
  for (let k = 0; k < p.length; k++) {
    const reach = slack(Math.max(Math.abs(p[k]), Math.abs(q[k])), tolerances[k]);
    if (p[k] === q[k] && Math.abs(got[k] - p[k]) > reach) return false;
    if (p[k] === q[k]) continue;
    const ends = [(got[k] - reach - p[k]) / (q[k] - p[k]), (got[k] + reach - p[k]) / (q[k] - p[k])];
    [lowest, highest] = [Math.max(lowest, Math.min(...ends)), Math.min(highest, Math.max(...ends))];
  }
  return lowest <= highest;
}

function atKinks({ choices, sides }, got, tolerances) {
  const numbers = choices.map((choice) => choice.map(([number]) => Number(number)));
  const total = sum(tolerances.map(Number));
  if (!isSpanned(numbers, got, tolerances)) return "wrong";
  if (!isSpanned(numbers.map((one) => [sum(one)]), [sum(got)], [total])) return "wrong";
  const isListed = numbers.some((one) => one.every((number, k) => isNear(got[k], number, tolerances[k])));
  if (numbers.length > 2 && got.length > 1 && !isListed) return "undecided";
  if (numbers.length === 2 && !isOnSegment(numbers, got, tolerances)) return "wrong";
  const ends = [0, 1].map((end) => sides.map((pair) => Number(pair[end][0])));
  return isSpanned(ends, got, tolerances) ? "right" : "convention";
}

function judge(vector, { said, failed }) {
  const tolerances = vector.tolerance.float64;
  if (tolerances === undefined) return "undecided";
  const got = said.map((x) => (x === null ? 0 : readNumber(x)));
  if (failed || got.length !== vector.truth.length || !got.every(Number.isFinite)) return "wrong";
  const isKnown = (k) => vector.truth[k] !== null && tolerances[k] !== null;
  const isMet = got.map((x, k) => (isKnown(k) ? isNear(x, vector.truth[k][0], tolerances[k]) : null));
  if (!vector.choices) return isMet.includes(false) ? "wrong" : isMet.includes(true) ? "right" : "undecided";
  const first = got.length - vector.sides.length; // the value is before the derivatives
  if (isMet.slice(0, first).includes(false)) return "wrong";
  if (isMet.slice(first).every((met) => met === true)) return "right";
  return atKinks(vector, got.slice(first), tolerances.slice(first));
}

const [hello] = answersTo("");
const isAsked = ({ operations, moves }) =>
  operations.every((name) => hello.operations.includes(name)) && moves.every((name) => hello.moves.includes(name));
const asked = lines.filter((line) => isAsked(JSON.parse(line)));
const counts = { "not supported": lines.length - asked.length };
answersTo(`${asked.join("\n")}\n`)
  .slice(1)
  .forEach((answer, k) => {
    const verdict = judge(JSON.parse(asked[k]), answer);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  });
process.stdout.write(`${JSON.stringify(counts)}\n`);
