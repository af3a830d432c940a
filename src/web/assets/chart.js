// Draws each chart of the page from the numbers in its data attribute: observed as a line, normal as a band, spikes shaded.
// Colours come from the stylesheet, so that a chart follows light, dark and print as the rest of the page does.
const HEIGHT = 260;
const NARROW = 480;
const LABEL_WIDTH = 48;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    ink: of('--ink'),
    quiet: of('--quiet'),
    line: of('--line'),
    band: of('--band'),
    shade: of('--firing-shade'),
    firing: of('--firing'),
  };
}

function shadeSpikes(spikes, colour) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    for (const [from, to] of spikes) {
      const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
      if (right <= left) continue;
      ctx.fillStyle = colour.shade;
      ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
      ctx.fillStyle = colour.firing;
      ctx.font = `600 ${12 * devicePixelRatio}px system-ui, sans-serif`;
      // Above the plot, where no line crosses it, and not cut off by its edge.
      const fits = left + LABEL_WIDTH * devicePixelRatio <= bbox.left + bbox.width;
      ctx.textAlign = fits ? 'left' : 'right';
      ctx.textBaseline = 'bottom';
      ctx.fillText('spike', fits ? left : right, bbox.top - 4 * devicePixelRatio);
    }
    ctx.restore();
  };
}

// A label at the band itself, where a legend would send the eye away and back.
function labelBand(chart, colour) {
  return (plot) => {
    const at = chart.high.findIndex((value) => value !== null);
    if (at < 0) return;
    const { ctx, bbox } = plot;
    const x = Math.max(plot.valToPos(chart.at[at], 'x', true), bbox.left) + 6 * devicePixelRatio;
    const y = plot.valToPos(chart.high[at], 'y', true) - 4 * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = colour.quiet;
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'bottom';
    ctx.fillText('normal', x, y);
    ctx.restore();
  };
}

const twoDigits = (value) => String(value).padStart(2, '0');
function timeText(seconds, spanSeconds) {
  const date = new Date(seconds * 1000);
  const clock = `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}`;
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
  if (spanSeconds <= 86400) return clock;
  return spanSeconds > 3 * 86400 || clock === '00:00' ? day : clock;
}

function draw(element) {
  const chart = JSON.parse(element.dataset.chart);
  const colour = colours();
  const width = element.clientWidth;
  const spanSeconds = chart.at.length > 1 ? chart.at[chart.at.length - 1] - chart.at[0] : 0;
  const axis = {
    stroke: colour.quiet,
    font: '12px system-ui, sans-serif',
    ticks: { show: false },
    grid: { stroke: colour.line, width: 1 },
  };
  element.replaceChildren();
  new uPlot(
    {
      width,
      height: width < NARROW ? 200 : HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [20, 22, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      scales: {
        x: { time: true },
        y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.08)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          values: (_plot, splits) => splits.map((split) => timeText(split, spanSeconds)),
          space: 64,
        },
        {
          ...axis,
          size: 52,
          label: chart.unit,
          labelSize: 18,
          labelFont: '12px system-ui, sans-serif',
          values: (_plot, splits) => splits.map((split) => (Number.isInteger(split) ? split.toLocaleString('en-GB') : '')),
        },
      ],
      series: [
        {},
        { stroke: 'transparent', points: { show: false } },
        { stroke: 'transparent', points: { show: false } },
        { stroke: colour.ink, width: 1.75, points: { show: false } },
      ],
      bands: [{ series: [2, 1], fill: colour.band }],
      hooks: { drawClear: [shadeSpikes(chart.spikes, colour)], draw: [labelBand(chart, colour)] },
    },
    [chart.at, chart.low, chart.high, chart.observed],
    element,
  );
}

const plots = [...document.querySelectorAll('[data-chart]')];
const drawAll = () => plots.forEach(draw);
drawAll();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
let lastWidth = innerWidth;
addEventListener('resize', () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  drawAll();
});
