// An engine of automatic differentiation that speaks the protocol of nn_from_scratch/verify/engines/wire/PROTOCOL.md:
//
//     nn-from-scratch verify --engine "command:node engine.js"
//
// With the argument --bug its derivative of tanh is wrong, which the suite must find.
"use strict";
const readline = require("readline");

const hasBug = process.argv.includes("--bug");

// Each operation takes the values of its operands, and returns its value and a slope for each operand.
const operations = {
  add: (x, y) => [x + y, 1, 1],
  sub: (x, y) => [x - y, 1, -1],
  mul: (x, y) => [x * y, y, x],
  div: (x, y) => [x / y, 1 / y, -(x / y) / y],
  pow: (x, y) => [x ** y, y === 0 ? 0 : y * x ** (y - 1), x === 0 && y > 0 ? 0 : x ** y * Math.log(x)],
  neg: (x) => [-x, -1],
  exp: (x) => [Math.exp(x), Math.exp(x)],
  log: (x) => [Math.log(x), 1 / x],
  sin: (x) => [Math.sin(x), Math.cos(x)],
  tanh: (x) => [Math.tanh(x), hasBug ? 1 - Math.tanh(x) : 1 / Math.cosh(x) ** 2],
  relu: (x) => [x > 0 ? x : 0, x > 0 ? 1 : 0],
  maximum: (x, y) => [Math.max(x, y), x >= y ? 1 : 0, x >= y ? 0 : 1],
};

let tape = []; // every node, after those that it was computed from
let nodes = []; // those that have a number in the protocol, which the steps of a `repeat` have not

function newNode(value, parents, slopes) {
  const node = { value, gradient: 0, parents, slopes, place: tape.length };
  tape.push(node);
  return node;
}

function nodeOf(number) {
  if (nodes[number] === undefined) throw new RangeError(`no node ${number}`);
  return nodes[number];
}

// Apply an operation to operands, each a node or a constant, which has a value and no place on the tape.
function apply(name, operands) {
  if (!Object.hasOwn(operations, name)) throw new TypeError(`no operation ${name}`);
  const [value, ...slopes] = operations[name](...operands.map((operand) => operand.value));
  return newNode(value, operands, slopes);
}

// Walk the tape from the output back to its beginning: no recursion, so that no chain is too long.
function backward(output) {
  const adjoints = new Float64Array(output.place + 1);
  const isReached = new Uint8Array(output.place + 1);
  adjoints[output.place] = 1;
  isReached[output.place] = 1;
  for (let place = output.place; place >= 0; place--) {
    if (!isReached[place]) continue;
    const { parents, slopes } = tape[place];
    tape[place].gradient += adjoints[place];
    for (let k = 0; k < parents.length; k++) {
      if (parents[k].place === undefined) continue;
      adjoints[parents[k].place] += adjoints[place] * slopes[k];
      isReached[parents[k].place] = 1;
    }
  }
}

// What stands for an operand: the number of a node, or a string that is a constant.
const operand = (x) => (typeof x === "string" ? { value: readNumber(x) } : nodeOf(x));

// Each move may return what it says, which is a number.
const moves = {
  variable: (x) => void nodes.push(newNode(readNumber(x), [], [])),
  apply: (name, ...operands) => void nodes.push(apply(name, operands.map(operand))),
  repeat(times, name, node, ...others) {
    const further = others.map(operand);
    let last = nodeOf(node);
    for (let k = 0; k < times; k++) last = apply(name, [last, ...further]);
    nodes.push(last);
  },
  backward: (node) => backward(nodeOf(node)),
  assign: (leaf, x) => void (nodeOf(leaf).value = readNumber(x)),
  reset: (leaf) => void (nodeOf(leaf).gradient = 0),
  value: (node) => nodeOf(node).value,
  gradient: (leaf) => nodeOf(leaf).gradient,
  forget() {
    tape = [];
    nodes = [];
  },
};

// "-0x1.8p+1" is -3: digits in base 16, and an exponent of 2 in base 10.
function readNumber(text) {
  const special = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  if (Object.hasOwn(special, text)) return special[text];
  const parts = /^(-?)0x([0-9a-f]+)\.?([0-9a-f]*)p([+-]?\d+)$/.exec(text);
  if (!parts) throw new SyntaxError(`no number: ${text}`);
  const [, sign, whole, fraction, exponent] = parts;
  const size = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign ? -size : size;
}

const bytes = new DataView(new ArrayBuffer(8));

// The 64 bits of a number: its sign, 11 bits of exponent, 52 of fraction.
function writeNumber(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  bytes.setFloat64(0, x);
  const bits = bytes.getBigUint64(0);
  const sign = bits >> 63n ? "-" : "";
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = (bits & 0xfffffffffffffn).toString(16).padStart(13, "0");
  return exponent ? `${sign}0x1.${fraction}p${exponent - 1023}` : `${sign}0x0.${fraction}p-1022`;
}

function answer(request) {
  if (!request.continue) moves.forget();
  const said = [];
  const start = process.cpuUsage();
  let failed = null;
  request.program.every(([name, ...operands], move) => {
    try {
      if (!Object.hasOwn(moves, name)) throw new TypeError(`no move ${name}`);
      const number = moves[name](...operands);
      if (number !== undefined) said.push(writeNumber(number));
    } catch (error) {
      failed = { move, kinds: [error.name], message: error.message };
    }
    return failed === null; // a program ends at the first move that fails
  });
  const { user, system } = process.cpuUsage(start);
  return { id: request.id, said, seconds: (user + system) / 1e6, ...(failed && { failed }) };
}

const say = (words) => process.stdout.write(`${JSON.stringify(words)}\n`);

say({ protocol: 1, name: "engine.js", moves: Object.keys(moves), operations: Object.keys(operations) });
readline.createInterface({ input: process.stdin }).on("line", (line) => say(answer(JSON.parse(line))));
