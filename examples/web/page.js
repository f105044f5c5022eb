'use strict';
/* The page: a module of WebAssembly (play.c) that learns, and what shows it. DATA has the module and the two
 * texts, packed by gzip, so that the page is one file and works from anywhere, a disk as well. */
const $ = id => document.getElementById(id);
const DIGITS = 0, NAMES = 1, SIDE = 8, HIDDEN = 48;
const PARAMETERS = [
    ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias'],
    ['embedding.weight', 'hidden.weight', 'hidden.bias', 'out.weight', 'out.bias'],
];
let play; // what the module exports
const learners = [{losses: [], running: false}, {losses: [], running: false}];
const automatic = location.hash === '#run'; // trains both to their ends: a test looks at the hashes

/* ---- the module ---- */

async function unpack(name) {
    const packed = Uint8Array.from(atob(DATA[name]), c => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* As much of the system interface WASI as the module asks for: no environment, a clock, no files. */
function system() {
    const view = () => new DataView(play.memory.buffer);
    const none = 8; // "bad file descriptor"
    return {
        environ_get: () => 0,
        environ_sizes_get(count, size) {
            view().setUint32(count, 0, true);
            view().setUint32(size, 0, true);
            return 0;
        },
        clock_time_get(clock, precision, at) {
            view().setBigUint64(at, BigInt(Math.round(performance.now() * 1e6)), true);
            return 0;
        },
        fd_close: () => none,
        fd_seek: () => none,
        fd_write: () => none,
        proc_exit(code) { throw new Error(`the module ended with ${code}`); },
    };
}

const floats = (at, n) => new Float32Array(play.memory.buffer, at, n);
const bytes = (at, n) => new Uint8Array(play.memory.buffer, at, n);
function text(at) {
    const all = new Uint8Array(play.memory.buffer);
    return new TextDecoder().decode(all.slice(at, all.indexOf(0, at)));
}

function give(which, data) {
    const at = play.play_text(which, data.length);
    bytes(at, data.length).set(data);
}

/* ---- learning ---- */

function learn(which, milliseconds) {
    const one = learners[which], steps = play.play_steps(which), end = performance.now() + milliseconds;
    do {
        one.losses.push(play.play_step(which));
    } while (one.losses.length < steps && performance.now() < end);
    const error = text(play.play_error());
    if (error)
        throw new Error(error);
    if (one.losses.length === 1 || !one.graph)
        one.graph = drawGraph(which);
    if (one.losses.length === steps)
        finish(which);
}

function finish(which) {
    const one = learners[which];
    one.running = false;
    one.done = true;
    one.seconds += (performance.now() - one.since) / 1000;
    $(`hash${which}`).textContent = text(play.play_hash(which));
    $(`train${which}`).textContent = 'Trained';
    $(`train${which}`).disabled = true;
    if (which === DIGITS)
        one.accuracy = play.play_accuracy();
}

function show(which) {
    const one = learners[which], n = one.losses.length;
    const status = [`step ${n} of ${play.play_steps(which)}`];
    if (one.done)
        status.push(`${one.seconds.toFixed(1)} s`);
    if (one.accuracy !== undefined)
        status.push(`${(100 * one.accuracy).toFixed(1)} % of the 200 kept apart are read rightly`);
    $(`status${which}`).textContent = n ? status.join(' · ') : '';
    drawLoss($(`loss${which}`), one.losses, play.play_steps(which));
    showGradients(which);
    if (which === DIGITS) {
        drawWeights();
        guess();
    }
}

function turn(which) {
    if (!learners[which].running)
        return;
    learn(which, 14);
    show(which);
    if (learners[which].running)
        requestAnimationFrame(() => turn(which));
}

function toggle(which) {
    const one = learners[which];
    one.running = !one.running;
    $(`train${which}`).textContent = one.running ? 'Pause' : 'Go on';
    if (one.running) {
        one.since = performance.now();
        turn(which);
    } else {
        one.seconds += (performance.now() - one.since) / 1000;
    }
}

/* ---- pictures of it ---- */

const SVG = 'http://www.w3.org/2000/svg';
function element(parent, name, attributes, content) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes))
        made.setAttribute(key, value);
    if (content !== undefined)
        made.textContent = content;
    parent.append(made);
    return made;
}

function drawLoss(svg, losses, steps) {
    svg.replaceChildren();
    const left = 30, right = 314, top = 8, bottom = 178;
    const most = Math.ceil(Math.max(2.5, ...losses.slice(0, 5)) * 2) / 2, tick = most > 3 ? 1 : 0.5;
    const x = i => left + (right - left) * i / (steps - 1), y = loss => bottom - (bottom - top) * Math.min(loss / most, 1);
    for (let at = 0; at <= most; at += tick) {
        element(svg, 'line', {x1: left, x2: right, y1: y(at), y2: y(at)});
        element(svg, 'text', {x: left - 6, y: y(at) + 4, 'text-anchor': 'end'}, at.toFixed(1));
    }
    for (let i = 0; i <= 4; i++) {
        const at = steps * i / 4;
        element(svg, 'text', {x: x(at * (steps - 1) / steps), y: bottom + 16, 'text-anchor': i < 4 ? 'middle' : 'end'}, at);
    }
    let mean = 0;
    const smooth = losses.map((loss, i) => mean += (loss - mean) * Math.max(0.1, 1 / (i + 1)));
    const points = list => list.map((loss, i) => `${x(i).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');
    element(svg, 'polyline', {class: 'each', points: points(losses)});
    element(svg, 'polyline', {points: points(smooth)});
    if (losses.length)
        element(svg, 'text', {x: right, y: top + 6, 'text-anchor': 'end'}, `now ${smooth[smooth.length - 1].toFixed(3)}`);
}

function colour(name) {
    const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const hex = value.length === 4 ? [...value.slice(1)].map(c => c + c).join('') : value.slice(1);
    return [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16));
}

/* Each hidden unit's weights as a tile of 8 by 8: orange where it wants ink, blue where it does not. */
function drawWeights() {
    const canvas = $('weights'), columns = canvas.clientWidth < 560 ? 8 : 16, rows = HIDDEN / columns, tile = SIDE + 1;
    const width = columns * tile - 1, height = rows * tile - 1;
    if (canvas.width !== width) {
        canvas.width = width;
        canvas.height = height;
        canvas.style.aspectRatio = `${width} / ${height}`;
    }
    const w = floats(play.play_weights(), HIDDEN * SIDE * SIDE), context = canvas.getContext('2d');
    const image = context.createImageData(width, height), paper = colour('--paper'), plus = colour('--plus'), minus = colour('--minus');
    for (let unit = 0; unit < HIDDEN; unit++) {
        const mine = w.subarray(unit * SIDE * SIDE, (unit + 1) * SIDE * SIDE);
        const most = mine.reduce((a, b) => Math.max(a, Math.abs(b)), 0.15);
        const x0 = unit % columns * tile, y0 = Math.floor(unit / columns) * tile;
        for (let p = 0; p < SIDE * SIDE; p++) {
            const strength = Math.abs(mine[p]) / most, to = mine[p] > 0 ? plus : minus;
            const at = 4 * ((y0 + Math.floor(p / SIDE)) * width + x0 + p % SIDE);
            for (let c = 0; c < 3; c++)
                image.data[at + c] = paper[c] + (to[c] - paper[c]) * strength;
            image.data[at + 3] = 255;
        }
    }
    context.putImageData(image, 0, 0);
}

/* ---- the recorded graph ---- */

/* Nodes and edges of the text that the library writes for Graphviz. */
function parseGraph(dot) {
    const nodes = new Map(), edges = [];
    for (const line of dot.split('\n')) {
        const edge = line.match(/^ *(\w+) -> (\w+);/), node = line.match(/^ *(\w+) \[label="([^"]*)"(.*)\];/);
        if (edge)
            edges.push([edge[1], edge[2]]);
        else if (node)
            nodes.set(node[1], {
                id: node[1], label: node[2], operation: node[3].includes('shape=box'),
                parameter: node[3].includes('filled'), flows: /filled|blue/.test(node[3]), to: [], from: [],
            });
    }
    for (const [a, b] of edges) {
        nodes.get(a).to.push(nodes.get(b));
        nodes.get(b).from.push(nodes.get(a));
    }
    return [...nodes.values()];
}

/* Operations in rows, each as low as what needs its result allows; parameters and data beside their operation. */
function layOut(nodes) {
    const operations = nodes.filter(n => n.operation), column = 150;
    const depth = n => n.depth ??= Math.max(0, ...n.to.flatMap(t => t.to).map(next => depth(next) + 1));
    const deepest = Math.max(...operations.map(depth)), rows = new Map();
    for (const n of operations) {
        n.row = deepest - n.depth;
        rows.set(n.row, [...rows.get(n.row) ?? [], n]);
    }
    const taken = new Set();
    for (const [row, list] of rows)
        list.forEach((n, i) => {
            n.x = list.length < 3 ? 1.5 * column + i * column : (i + 0.5) * 3 * column / list.length;
            n.narrow = list.length > 2;
            taken.add(`${row} ${Math.round(n.x)}`);
        });
    for (const n of nodes.filter(m => !m.operation && !m.from.length && m.to.length)) {
        const [next] = n.to, beside = [[-column, 0], [column, 0]];
        const places = n.parameter ? [...beside, [0, -1]] : [[0, -1], ...beside];
        const [dx, dy] = places.find(([x, y]) => next.x + x > 0 && next.x + x < 3 * column &&
            !taken.has(`${next.row + y} ${Math.round(next.x + x)}`)) ?? places[0];
        n.x = next.x + dx;
        n.row = next.row + dy;
        taken.add(`${n.row} ${Math.round(n.x)}`);
    }
    const placed = nodes.filter(n => n.x !== undefined), first = Math.min(...placed.map(n => n.row));
    placed.forEach(n => n.row -= first);
    return {width: 3 * column, rows: deepest + 1 - first};
}

function drawGraph(which) {
    const nodes = parseGraph(text(play.play_graph(which))), {width, rows} = layOut(nodes);
    const high = 62, box = 34, y = n => n.row * high + 8, half = n => (n.narrow ? 98 : 126) / 2;
    const svg = element($(`graph${which}`), 'svg', {
        viewBox: `0 0 ${width} ${rows * high + 34}`, width, role: 'img',
        'aria-label': `Graph of ${nodes.filter(n => n.operation).map(n => n.label).join(', ')}`,
    });
    const link = (a, b, flows) => {
        const beside = a.row === b.row, side = a.x < b.x ? 1 : -1;
        const [x0, y0] = beside ? [a.x + side * half(a), y(a) + box / 2] : [a.x, y(a) + box];
        const [x1, y1] = beside ? [b.x - side * half(b), y(b) + box / 2] : [b.x, y(b)], middle = (y0 + y1) / 2;
        element(svg, 'path', {class: flows ? 'flows' : '', d: beside ? `M${x0} ${y0}H${x1}` : `M${x0} ${y0}C${x0} ${middle} ${x1} ${middle} ${x1} ${y1}`});
    };
    for (const t of nodes.filter(n => !n.operation))
        for (const next of t.to)
            link(t.from[0] ?? t, next, t.flows);
    const shown = {gradients: [], loss: null};
    for (const n of nodes) {
        if (n.x === undefined) { // between operations: its shape, beside the line
            const [from] = n.from, [to] = n.to;
            if (to && from && !from.narrow && !to.narrow)
                element(svg, 'text', {class: 'shape', x: from.x + 6, y: y(from) + box + 18, style: 'text-anchor: start'}, n.label);
            else if (from && !to && n.flows)
                shown.loss = element(svg, 'text', {x: from.x, y: y(from) + box + 20}, 'loss');
            continue;
        }
        const group = element(svg, 'g', {class: n.operation ? 'operation' : n.parameter ? 'parameter' : 'data'});
        element(group, 'rect', {x: n.x - half(n), y: y(n), width: 2 * half(n), height: box, rx: n.operation ? 8 : 17});
        const [, name, shape] = n.operation ? [0, n.label] : n.label.match(/^(\S+) (.*)$/), two = shape !== undefined;
        element(group, 'text', {x: n.x, y: y(n) + (two ? 15 : 21)}, name);
        if (two)
            element(group, 'text', {class: 'size', x: n.x, y: y(n) + 28}, shape);
        if (n.parameter)
            shown.gradients[PARAMETERS[which].indexOf(name)] =
                element(group, 'text', {class: 'size', x: n.x, y: y(n) + box + 13}, '');
    }
    return shown;
}

function showGradients(which) {
    const one = learners[which];
    if (!one.graph)
        return;
    const sizes = floats(play.play_gradients(which), PARAMETERS[which].length);
    one.graph.gradients.forEach((label, i) => label.textContent = `gradient ${sizes[i].toPrecision(2)}`);
    one.graph.loss.textContent = `loss ${one.losses[one.losses.length - 1].toFixed(4)}`;
}

/* ---- drawing and reading a digit ---- */

const picture = new Float32Array(SIDE * SIDE); // what the network sees

function bars(list, labels) {
    return labels.map(label => {
        const item = document.createElement('li');
        item.innerHTML = list === $('guess') ? `${label}<i><b></b></i><span></span>` : `<b></b>${label}`;
        list.append(item);
        return item;
    });
}

function guess() {
    floats(play.play_picture(), SIDE * SIDE).set(picture);
    const p = floats(play.play_guess(), 10), best = p.indexOf(Math.max(...p)), empty = !picture.some(v => v);
    guessBars.forEach((item, i) => {
        item.classList.toggle('most', i === best && !empty);
        item.querySelector('b').style.width = empty ? '0' : `${100 * p[i]}%`;
        item.querySelector('span').textContent = empty ? '' : `${(100 * p[i]).toFixed(1)} %`;
    });
    const read = empty ? 'nothing yet' : String(best);
    if ($('reading').textContent !== read)
        $('reading').textContent = read;
}

function seen() {
    const image = new ImageData(SIDE, SIDE), ink = colour('--ink'), paper = colour('--paper');
    picture.forEach((v, i) => {
        for (let c = 0; c < 3; c++)
            image.data[4 * i + c] = paper[c] + (ink[c] - paper[c]) * v;
        image.data[4 * i + 3] = 255;
    });
    $('seen').getContext('2d').putImageData(image, 0, 0);
    guess();
}

/* As the data were made: the ink's box fills 32 by 32, of whose blocks of 4 by 4 the dark ones are counted. */
function look() {
    const canvas = $('draw'), n = canvas.width, all = canvas.getContext('2d').getImageData(0, 0, n, n).data;
    let x0 = n, x1 = -1, y0 = n, y1 = -1;
    for (let i = 0; i < n * n; i++)
        if (all[4 * i + 3] > 96) {
            x0 = Math.min(x0, i % n);
            x1 = Math.max(x1, i % n);
            y0 = Math.min(y0, Math.floor(i / n));
            y1 = Math.max(y1, Math.floor(i / n));
        }
    picture.fill(0);
    if (x1 >= 0) {
        const small = document.createElement('canvas'), width = x1 - x0 + 1, height = y1 - y0 + 1;
        small.width = small.height = 32;
        const context = small.getContext('2d', {willReadFrequently: true}), scale = 32 / Math.max(width, height);
        context.imageSmoothingQuality = 'high';
        context.drawImage(canvas, x0, y0, width, height, 16 - width * scale / 2, 16 - height * scale / 2, width * scale, height * scale);
        const dots = context.getImageData(0, 0, 32, 32).data;
        for (let i = 0; i < 32 * 32; i++)
            if (dots[4 * i + 3] > 127)
                picture[(i >> 7) * SIDE + ((i & 31) >> 2)] += 1 / 16;
    }
    seen();
}

function drawing() {
    const canvas = $('draw'), context = canvas.getContext('2d', {willReadFrequently: true});
    context.lineCap = context.lineJoin = 'round';
    context.lineWidth = canvas.width / 11;
    let last = null;
    const at = event => {
        const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
        return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    };
    const stroke = event => {
        const [x, y] = at(event);
        context.strokeStyle = getComputedStyle(canvas).color;
        context.beginPath();
        context.moveTo(...(last ?? [x, y]));
        context.lineTo(x, y);
        context.stroke();
        last = [x, y];
        look();
    };
    canvas.addEventListener('pointerdown', event => {
        if (canvas.dataset.sample) // of the data: a new drawing begins
            clear();
        canvas.setPointerCapture(event.pointerId);
        stroke(event);
    });
    canvas.addEventListener('pointermove', event => last && stroke(event));
    for (const end of ['pointerup', 'pointercancel'])
        canvas.addEventListener(end, () => last = null);
    $('clear').addEventListener('click', clear);
    $('sample').addEventListener('click', sample);
}

function clear() {
    const canvas = $('draw');
    canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
    delete canvas.dataset.sample;
    look();
}

let samples = 800; // the first of those that are kept apart
function sample() {
    const pixels = bytes(play.play_example(samples), SIDE * SIDE), canvas = $('draw'), context = canvas.getContext('2d');
    samples = samples < 999 ? samples + 1 : 800;
    const size = canvas.width / SIDE;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = getComputedStyle(canvas).color;
    pixels.forEach((v, i) => {
        picture[i] = v / 16;
        context.globalAlpha = v / 16;
        context.fillRect(i % SIDE * size, Math.floor(i / SIDE) * size, size, size);
    });
    context.globalAlpha = 1;
    canvas.dataset.sample = '1';
    seen();
}

/* ---- spelling ---- */

const made = [];
const capital = name => name.slice(0, 1).toUpperCase() + name.slice(1);
let spelling = 0; // counts names, so that a new one ends the one before
async function spell(pause) {
    const mine = ++spelling, wait = () => new Promise(done => setTimeout(done, pause));
    let name = '';
    for (let first = 1; mine === spelling; first = 0) {
        const letter = play.play_letter(first), p = floats(play.play_letters(), 27);
        const most = Math.max(...p);
        letterBars.forEach((item, i) => {
            item.classList.toggle('most', i === letter);
            item.querySelector('b').style.height = `${80 * p[i] / most}%`;
        });
        name += letter ? String.fromCharCode(96 + letter) : '';
        $('spelt').textContent = capital(name) || '\u00a0';
        if (pause)
            await wait();
        if (!letter)
            break;
    }
    if (mine === spelling) {
        made.unshift(capital(name));
        $('names').textContent = made.slice(0, 24).join(' · ');
    }
}

/* ---- */

let guessBars, letterBars;
const still = matchMedia('(prefers-reduced-motion: reduce)');

/* Both to their ends, then names: what a test wants. */
async function run() {
    for (const which of [DIGITS, NAMES]) {
        learners[which].since = performance.now();
        while (!learners[which].done) {
            learn(which, 100);
            await new Promise(done => setTimeout(done, 0));
        }
        show(which);
    }
    for (let i = 0; i < 12; i++)
        await spell(0);
    document.documentElement.dataset.done = '1';
    console.log(`done: digits ${$('hash0').textContent} in ${learners[0].seconds.toFixed(2)} s, names ${$('hash1').textContent} ` +
        `in ${learners[1].seconds.toFixed(2)} s`);
}

async function begin() {
    const {instance} = await WebAssembly.instantiate(await unpack('module'), {wasi_snapshot_preview1: system()});
    play = instance.exports;
    play._initialize();
    give(DIGITS, await unpack('digits'));
    give(NAMES, await unpack('names'));
    if (play.play_begin())
        throw new Error(text(play.play_error()));
    guessBars = bars($('guess'), [...'0123456789']);
    letterBars = bars($('letters'), ['·', ...'abcdefghijklmnopqrstuvwxyz']);
    for (const which of [DIGITS, NAMES]) {
        learners[which].seconds = 0;
        $(`train${which}`).disabled = false;
        $(`train${which}`).addEventListener('click', () => toggle(which));
        drawLoss($(`loss${which}`), [], play.play_steps(which));
    }
    $('name').disabled = false;
    $('name').addEventListener('click', () => spell(still.matches ? 0 : 160));
    for (const event of ['resize', 'change'])
        (event === 'resize' ? window : matchMedia('(prefers-color-scheme: dark)')).addEventListener(event, () => {
            drawWeights();
            seen();
        });
    $('status0').textContent = '';
    drawing();
    drawWeights();
    sample();
    if (automatic)
        await run();
}

begin().catch(error => {
    $('status0').textContent = `It does not work here: ${error.message}`;
    console.error(`failed: ${error.message}`);
});
