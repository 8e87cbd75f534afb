interface Template {
  readonly Resources: Readonly<Record<string, unknown>>;
}

/** A path through Ref, Fn::GetAtt, Fn::Sub and DependsOn from a resource to itself, or `undefined`. */
export function cycleIn(template: object): string[] | undefined {
  const { Resources: resources } = template as Template;
  const done = new Set<string>();

  function visit(id: string, trail: readonly string[]): string[] | undefined {
    if (trail.includes(id)) return [...trail.slice(trail.indexOf(id)), id];
    if (done.has(id)) return undefined;
    for (const next of [...namesIn(resources[id])].filter((name) => name in resources)) {
      const cycle = visit(next, [...trail, id]);
      if (cycle !== undefined) return cycle;
    }
    done.add(id);
    return undefined;
  }

  return Object.keys(resources)
    .map((id) => visit(id, []))
    .find((cycle) => cycle !== undefined);
}

/** Whether one resource is created only after another. */
export function waitsFor(template: object, id: string, other: string): boolean {
  const { Resources: resources } = template as Template;
  const seen = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...[...namesIn(resources[next])].filter((name) => name in resources));
  }
  return id !== other && seen.has(other);
}

function namesIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  return new Set(Object.entries(value).flatMap(([name, inner]) => [...namesOf(name, inner), ...namesIn(inner)]));
}

function namesOf(name: string, value: unknown): string[] {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  switch (name) {
    case 'Ref':
    case 'Fn::GetAtt':
      return [String(first)];
    case 'Fn::Sub':
      return [...String(first).matchAll(/\$\{([^.}]+)/g)].map((match) => match[1] ?? '');
    case 'DependsOn':
      return [value].flat().map(String);
    default:
      return [];
  }
}
