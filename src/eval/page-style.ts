/** What the page of an evaluation has besides the style that all pages share. */
export const STYLE = `
:root { --mark: #c2410c; --label: #ffb000; --redaction: #00c8ff }
@media (prefers-color-scheme: dark) { :root { --accent: #6db3e8; --mark: #ff8a5c } }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; text-transform: capitalize }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem }
.wide { overflow-x: auto }
th, td { padding: .25rem .9rem .25rem 0; white-space: nowrap } th { font-weight: 600; font-size: .85em; opacity: .8 }
.small { font-size: .85rem; opacity: .85 } .ci { vertical-align: middle }
.verdict { font-weight: 600 }
.grid { grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)) }
figure svg { width: 100%; height: 180px; background: #8882; border-radius: 4px; display: block }
figcaption { opacity: .85; overflow-wrap: anywhere }
.chart { max-width: 640px; width: 100%; height: auto; font-size: 12px }
.label, .redaction { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke }
.label { stroke: var(--label) } .redaction { stroke: var(--redaction); stroke-dasharray: 5 3 }
.halo { fill: none; stroke: #000a; stroke-width: 4; vector-effect: non-scaling-stroke }
.key { display: inline-block; width: 1.6em; border-top: 3px solid var(--label); vertical-align: middle }
.key.of-redaction { border-top: 3px dashed var(--redaction) }
`;
