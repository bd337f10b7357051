/* The report's script for the curves: draws those of a chosen pair, metric and scale into the page's own SVG namespace and
   tells the values under the pointer. Without it the page keeps its static drawing. */
(() => {
  'use strict';

  const $ = (id) => document.getElementById(id);
  const chosen = (name, otherwise) =>
    document.querySelector(`input[name="${name}"]:checked`)?.value ?? otherwise;
  const onChange = (name, act) =>
    document.querySelectorAll(`input[name="${name}"]`).forEach((i) => i.addEventListener('change', act));

  const data = $('curve-data');
  if (!data) return;
  const pairs = JSON.parse(data.textContent).pairs;
  const view = $('curve-view');
  const namespace = view.querySelector('svg').namespaceURI;
  const select = $('curve-pair');
  const tip = $('curve-tip');
  for (const pair of pairs) {
    const option = document.createElement('option');
    option.value = pair.name;
    option.textContent = `${pair.from} to ${pair.to}` + (pair.inTree ? ', in the tree' : '');
    select.append(option);
  }
  select.value = view.dataset.first;

  const digits = (value, n = 3) => {
    if (value === null || value === undefined || !isFinite(value)) return '–';
    if (value === 0) return '0';
    const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(n)))));
    const text =
      exponent < -4 || exponent > 5
        ? value.toExponential(n - 1).replace(/e([+-])(\d+)/, (_, s, d) => '·10' + raised((s === '-' ? '-' : '') + d))
        : value.toFixed(Math.max(0, n - 1 - exponent));
    return text.replace('-', '−');
  };
  const raised = (text) => [...text].map((c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[+c])).join('');

  /** Ticks as [value, label]; no label between the labelled places. As Scale.java does it. */
  const linearTicks = (low, high, labels) => {
    const raw = (high - low) / labels;
    const exponent = Math.floor(Math.log10(raw));
    const lead = raw / 10 ** exponent;
    const step = lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10;
    const parts = step === 2 ? 4 : 5;
    const minor = (step * 10 ** exponent) / parts;
    const decimals = Math.max(0, step === 10 ? -exponent - 1 : -exponent);
    const ticks = [];
    for (let i = Math.ceil(low / minor - 1e-9); i * minor <= high + 1e-9 * (high - low); i++) {
      const value = i * minor;
      const label =
        i % parts ? '' : decimals > 5 ? digits(value) : value.toFixed(Math.min(decimals, 20)).replace(/^-/, '−');
      ticks.push([value, label]);
    }
    return ticks;
  };
  const logarithmicTicks = (low, high, labels) => {
    const decades = Math.log10(high / low);
    if (decades < 1.2) return linearTicks(low, high, labels);
    const every = Math.max(1, Math.round(decades / labels));
    const ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (let d = 1; d <= 9; d++) {
        const value = Number(`${d}e${e}`);
        if (value < low || value > high || (d > 1 && every > 1)) continue;
        const labelled = d === 1 ? e % every === 0 : decades < 2.5 && (d === 2 || d === 5);
        const plain = Math.floor(Math.log10(low)) >= -4 && high < 1e6;
        const text = plain ? value.toFixed(Math.max(0, -e)) : (d > 1 ? `${d}·` : '') + '10' + raised(String(e));
        ticks.push([value, labelled ? text : '']);
      }
    }
    return ticks;
  };

  const make = (parent, name, attributes, text) => {
    const node = document.createElementNS(namespace, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  };

  let drawn = null; // what the pointer needs to know of the last drawing

  const draw = () => {
    const pair = pairs.find((p) => p.name === select.value) ?? pairs[0];
    const measure = chosen('curve-measure', 'train_loss');
    const key = `${measure}_${chosen('curve-statistics', view.dataset.statistics)}`;
    const error = measure.endsWith('error');
    const unit = error ? 100 : 1;
    const curves = ['line', 'path']
      .filter((kind) => pair[kind])
      .map((kind) => ({
        kind,
        x: pair[kind].position,
        y: pair[kind][key].map((v) => (v === null ? NaN : v * unit)),
        pivot: pair[kind].pivot,
      }));
    const values = curves.flatMap((c) => c.y).filter(isFinite);
    let low = values.length ? Math.min(...values) : 0;
    let high = values.length ? Math.max(...values) : 1;
    const scaling = chosen('curve-scale', 'fitting');
    const logarithmic =
      low > 0 && low < high && (scaling === 'logarithmic' || (scaling === 'fitting' && !error && high / low >= 12));
    if (logarithmic) {
      const room = (high / low) ** 0.06;
      low /= room;
      high *= room;
    } else {
      const room = 0.06 * (high - low) || 0.1 * Math.abs(low) || 1e-9;
      low = error ? 0 : low - room;
      high += room;
    }

    const width = Math.max(280, view.clientWidth);
    const height = Math.round(Math.max(260, Math.min(420, 0.55 * width)));
    const box = { left: 52, right: width - 30, top: 58, bottom: height - 46 };
    const px = (v) => box.left + ((v + 0.02) / 1.04) * (box.right - box.left);
    const scale = (v) =>
      logarithmic ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low);
    const py = (v) => box.bottom - scale(v) * (box.bottom - box.top);

    view.replaceChildren();
    const svg = make(view, 'svg', {
      viewBox: `0 0 ${width} ${height}`,
      height,
      role: 'img',
      'aria-label': `Curves between minimum ${pair.from} and minimum ${pair.to}`,
      'font-size': 12,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    });
    const line = (x1, y1, x2, y2, colour) =>
      make(svg, 'path', { d: `M${x1} ${y1}L${x2} ${y2}`, stroke: `var(--${colour})`, fill: 'none' });
    const text = (label, x, y, anchor, colour, weight = 400) =>
      make(svg, 'text', { x, y, 'text-anchor': anchor, fill: `var(--${colour})`, 'font-weight': weight }, label);

    const pivotMark = (cx, cy) =>
      make(svg, 'circle', { cx, cy, r: 2.8, fill: 'var(--paper)', stroke: 'var(--primary)', 'stroke-width': 1.4 });

    const ticks = logarithmic ? logarithmicTicks(low, high, 6) : linearTicks(low, high, 6);
    for (const [value] of ticks.filter((t) => !t[1])) line(box.left, py(value), box.right, py(value), 'minor');
    for (const [value, label] of ticks.filter((t) => t[1])) {
      line(box.left, py(value), box.right, py(value), 'grid');
      text(label, box.left - 7, py(value) + 4, 'end', 'muted');
    }
    for (const value of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      line(px(value), box.top, px(value), box.bottom, 'grid');
      const end = value === 0 ? pair.from : value === 1 ? pair.to : null;
      const label = end === null ? value : width < 480 ? `min. ${end}` : `minimum ${end}`;
      text(label, px(value), box.bottom + 18, 'middle', 'muted');
    }
    line(box.left, box.bottom, box.right, box.bottom, 'faint');
    const middle = (box.left + box.right) / 2;
    text(width < 480 ? 'Position' : 'Position: share of the length', middle, box.bottom + 38, 'middle', 'ink');
    const name = measure.replace('_', ' ').replace('train ', 'training ');
    const title = view.dataset.loss === 'energy' ? 'energy' : name + (error ? ' (%)' : '');
    text(title[0].toUpperCase() + title.slice(1) + (logarithmic ? ', logarithmic' : ''), box.left, box.top - 10, 'start', 'ink');

    const looks = {
      line: { stroke: 'var(--secondary)', 'stroke-width': 1.8, 'stroke-dasharray': '6 4', name: 'straight line' },
      path: {
        stroke: 'var(--primary)',
        'stroke-width': 2.2,
        name: pair.done ? 'path' : `path after cycle ${pair.cycles}`,
      },
    };
    let legend = box.left;
    for (const { kind } of [...curves].reverse()) {
      const { name: called, ...look } = looks[kind];
      make(svg, 'path', { d: `M${legend} 16L${legend + 28} 16`, fill: 'none', ...look });
      if (kind === 'path') pivotMark(legend + 14, 16);
      legend += text(called, legend + 36, 20, 'start', 'ink').getBBox().width + 60;
    }
    for (const { kind, x, y, pivot } of curves) {
      const { name: _, ...look } = looks[kind];
      let d = '';
      let pen = 'M';
      x.forEach((v, i) => {
        const at = py(y[i]);
        if (!isFinite(at)) {
          pen = 'M';
          return;
        }
        d += `${pen}${px(v).toFixed(1)} ${at.toFixed(1)}`;
        pen = 'L';
      });
      make(svg, 'path', { d, fill: 'none', 'data-curve': kind, ...look });
      x.forEach((v, i) => {
        const at = py(y[i]);
        if (kind === 'path' && pivot[i] > 0 && i < x.length - 1 && isFinite(at)) {
          pivotMark(px(v), at).dataset.pivot = pivot[i];
        }
      });
      const top = y.reduce((best, v, i) => (isFinite(v) && !(y[best] >= v) ? i : best), 0);
      const cx = px(x[top]);
      const cy = py(y[top]);
      if (isFinite(cy)) {
        const shape = kind === 'path' ? `M${cx} ${cy - 6}l6 6l-6 6l-6 -6Z` : `M${cx} ${cy - 6}l5.4 9h-10.8Z`;
        make(svg, 'path', { d: shape, fill: look.stroke, stroke: 'var(--paper)' });
        const height = error ? `${y[top].toFixed(2)} %` : digits(y[top]);
        const below = kind === 'line' || cy < box.top + 20;
        const note = text(height, cx, cy + (below ? 22 : -12), 'middle', kind === 'path' ? 'primary' : 'secondary', 600);
        note.setAttribute('paint-order', 'stroke');
        note.setAttribute('stroke', 'var(--paper)');
        note.setAttribute('stroke-width', 4);
      }
    }
    for (const { x, y } of curves.slice(-1)) {
      for (const i of [0, x.length - 1]) {
        if (isFinite(py(y[i]))) make(svg, 'circle', { cx: px(x[i]), cy: py(y[i]), r: 4.2, fill: 'var(--ink)', stroke: 'var(--paper)' });
      }
    }
    const cursor = make(svg, 'g', { 'pointer-events': 'none', visibility: 'hidden' });
    tip.hidden = true;
    drawn = { pair, svg, box, px, py, curves, cursor, width, error, at: null };
    document
      .querySelectorAll('[data-key]')
      .forEach((node) => node.classList.toggle('chosen', node.dataset.key === `pair-${pair.name}`));
  };

  /** Shows every curve's sample nearest to a position. */
  const point = (position) => {
    const { svg, box, px, py, curves, cursor, width, error } = drawn;
    drawn.at = Math.min(1, Math.max(0, position));
    cursor.replaceChildren();
    const at = px(drawn.at);
    make(cursor, 'path', { d: `M${at} ${box.top}V${box.bottom}`, stroke: 'var(--muted)', fill: 'none' });
    tip.replaceChildren();
    const entry = (text, kind) => {
      const row = document.createElement('div');
      row.className = kind;
      row.textContent = text;
      tip.append(row);
    };
    entry(`position ${drawn.at.toFixed(3)}`, 'position');
    for (const { kind, x, y, pivot } of [...curves].reverse()) {
      let i = 0;
      x.forEach((v, j) => {
        if (Math.abs(v - drawn.at) < Math.abs(x[i] - drawn.at)) i = j;
      });
      const value = error ? `${y[i].toFixed(2)} %` : digits(y[i], 4);
      const extra = kind === 'path' && pivot[i] >= 0 ? ` (pivot ${pivot[i]})` : '';
      entry(`${kind === 'path' ? 'path' : 'straight line'} ${value}${extra}`, kind);
      if (isFinite(py(y[i]))) {
        const colour = kind === 'path' ? 'var(--primary)' : 'var(--secondary)';
        make(cursor, 'circle', { cx: px(x[i]), cy: py(y[i]), r: 5, fill: 'none', stroke: colour, 'stroke-width': 2 });
      }
    }
    cursor.setAttribute('visibility', 'visible');
    tip.hidden = false;
    const factor = svg.getBoundingClientRect().width / width;
    const left = at * factor + (at > width / 2 ? -tip.offsetWidth - 12 : 12);
    tip.style.transform = `translate(${Math.max(0, Math.min(left, view.clientWidth - tip.offsetWidth))}px, ${box.top * factor + 6}px)`;
  };
  const leave = () => {
    tip.hidden = true;
    drawn.cursor.setAttribute('visibility', 'hidden');
  };
  const positionOf = (event) => {
    const { svg, px, width } = drawn;
    const area = svg.getBoundingClientRect();
    const x = ((event.clientX - area.left) / area.width) * width;
    return (x - px(0)) / (px(1) - px(0));
  };

  view.addEventListener('pointermove', (event) => point(positionOf(event)));
  view.addEventListener('pointerdown', (event) => point(positionOf(event)));
  view.addEventListener('pointerleave', leave);
  view.addEventListener('blur', leave);
  view.addEventListener('keydown', (event) => {
    const at = drawn.at ?? 0.5;
    const to = { ArrowLeft: at - 0.01, ArrowRight: at + 0.01, Home: 0, End: 1 }[event.key];
    if (event.key === 'Escape') leave();
    if (to === undefined) return;
    point(to);
    event.preventDefault();
  });
  select.addEventListener('change', draw);
  ['curve-measure', 'curve-statistics', 'curve-scale'].forEach((name) => onChange(name, draw));

  // A pair is also chosen in the table of pairs, whose names become buttons, and on an edge of the graph, which gets a
  // wider reach than its line.
  const choose = (name) => {
    select.value = name;
    draw();
    $('curves').querySelector('details').open = true;
    $('curves').scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  };
  for (const node of document.querySelectorAll('[data-key^="pair-"]')) {
    const name = node.dataset.key.slice('pair-'.length);
    if (!pairs.some((pair) => pair.name === name)) continue;
    node.classList.add('choosable');
    node.addEventListener('click', () => choose(name));
    if (node.cells) {
      const button = document.createElement('button');
      button.type = 'button';
      button.title = 'show its curves';
      button.append(...node.cells[0].childNodes);
      node.cells[0].append(button);
    } else {
      for (const edge of node.querySelectorAll('path')) {
        const reach = edge.cloneNode();
        reach.setAttribute('class', 'reach');
        node.prepend(reach);
      }
    }
  }

  // The curves as drawn from, with every metric under both conventions, to keep.
  const csv = $('curve-csv');
  csv.addEventListener('click', () => {
    const { pair } = drawn;
    const kinds = ['line', 'path'].filter((kind) => pair[kind]);
    const columns = Object.keys(pair[kinds[0]]);
    const rows = kinds.flatMap((kind) =>
      pair[kind].position.map((_, i) => [kind, ...columns.map((column) => pair[kind][column][i] ?? '')]));
    const text = [['curve', ...columns], ...rows].map((row) => row.join(',') + '\n').join('');
    csv.href = `data:text/csv;charset=utf-8,${encodeURIComponent(text)}`;
    csv.download = `curves-${pair.name}.csv`;
  });

  let before = 0;
  new ResizeObserver(() => {
    if (view.clientWidth !== before) {
      before = view.clientWidth;
      draw();
    }
  }).observe(view);
  draw();
})();
