/* The report's script for the page as a whole: chooses the table, sorts tables, opens and marks sections, enlarges and
   saves figures. Asks for nothing from anywhere. */
(() => {
  'use strict';

  const root = document.documentElement;
  root.classList.add('script');

  // --- The table of results: one of its versions is shown.
  const versions = [...document.querySelectorAll('[data-table]')];
  const showVersion = () => {
    const key = ['table-statistics', 'table-saddle']
      .map((name, i) => {
        const chosen = document.querySelector(`input[name="${name}"]:checked`);
        return chosen ? chosen.value : versions[0].dataset.table.split(' ')[i];
      })
      .join(' ');
    versions.forEach((version) => (version.hidden = version.dataset.table !== key));
  };
  if (versions.length > 1) {
    document.querySelectorAll('input[name^="table-"]').forEach((i) => i.addEventListener('change', showVersion));
    showVersion();
  }

  // --- Tables that can be sorted: a button in each column's head. Cells without a number stay at the end.
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    return text === '–' ? NaN : text;
  };
  const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(b, 'en', { numeric: true }));
  const sort = (table, column, direction) => {
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: valueOf(row, column) }));
    const absent = (v) => typeof v === 'number' && isNaN(v);
    rows.sort((a, b) => absent(a.value) - absent(b.value) || direction * compare(a.value, b.value));
    table.tBodies[0].append(...rows.map(({ row }) => row));
  };
  for (const table of document.querySelectorAll('table.sortable')) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const rising = head.ariaSort !== 'ascending';
        heads.forEach((each) => each.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', rising ? 'ascending' : 'descending');
        sort(table, column, rising ? 1 : -1);
      });
    });
  }

  // --- Sections: a link opens the one it leads to; the navigation shows where the reader is; paper gets all of them.
  const open = (section) => section?.querySelector('details.section')?.setAttribute('open', '');
  const openTarget = () => open(document.getElementById(location.hash.slice(1)));
  addEventListener('hashchange', openTarget);
  addEventListener('beforeprint', () => document.querySelectorAll('section').forEach(open));
  openTarget();

  const links = [...document.querySelectorAll('nav a')];
  links.forEach((link) => link.addEventListener('click', () => open(document.querySelector(link.hash))));
  const inView = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      entries.forEach(({ target, isIntersecting }) => inView[isIntersecting ? 'add' : 'delete'](target.id));
      const here = links.find((link) => inView.has(link.hash.slice(1)));
      links.forEach((link) => (link === here ? link.setAttribute('aria-current', 'true') : link.removeAttribute('aria-current')));
      if (here) {
        const nav = here.parentElement;
        nav.scrollTo({ left: here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2 });
      }
    },
    { rootMargin: '-15% 0px -70% 0px' },
  );
  document.querySelectorAll('section').forEach((section) => observer.observe(section));

  // --- Figures: closer, and to keep. A saved drawing has the colours of paper.
  const dialog = document.createElement('dialog');
  dialog.id = 'closer';
  const close = document.createElement('button');
  close.type = 'button';
  close.textContent = 'Close';
  close.addEventListener('click', () => dialog.close());
  const stage = document.createElement('div');
  dialog.append(close, stage);
  document.body.append(dialog);
  let home = null;
  dialog.addEventListener('close', () => {
    home?.append(...stage.childNodes);
    home = null;
  });
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  for (const button of document.querySelectorAll('[data-enlarge]')) {
    button.addEventListener('click', () => {
      home = button.closest('figure').querySelector('.figure');
      stage.append(home.querySelector('svg'));
      dialog.setAttribute('aria-label', stage.firstChild.getAttribute('aria-label'));
      dialog.showModal();
    });
  }

  const paper = document.styleSheets[0].cssRules[0].style;
  const drawing = (svg) => {
    const copy = svg.cloneNode(true);
    const [, , width, height] = copy.getAttribute('viewBox').split(' ');
    copy.setAttribute('width', width);
    copy.setAttribute('height', height);
    copy.setAttribute('font-family', getComputedStyle(svg).fontFamily);
    const sheet = document.createElementNS(svg.namespaceURI, 'rect');
    sheet.setAttribute('width', width);
    sheet.setAttribute('height', height);
    sheet.setAttribute('fill', 'var(--paper)');
    copy.prepend(sheet);
    copy.querySelectorAll('.reach').forEach((node) => node.remove());
    return new XMLSerializer()
      .serializeToString(copy)
      .replace(/var\((--[a-z]+)\)/g, (_, name) => paper.getPropertyValue(name).trim());
  };
  const save = (name, type, text) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  for (const button of document.querySelectorAll('[data-save]')) {
    button.addEventListener('click', () =>
      save(button.dataset.save, 'image/svg+xml', drawing(button.closest('figure').querySelector('svg'))));
  }
})();
