import type { Attribute } from './attribute';
import { parseAttributePath } from './attribute-path';
import { isEmpty, type ScimObject, type ScimResource, type ScimValue } from './json';
import type { ResourceType } from './registry';

/** The attributes in a list: whole (`true`), or only some sub-attributes. */
type Selections = Map<Attribute, true | Selections>;

const NOTHING: Selections = new Map();

/** `attributes` and `excludedAttributes` as given (RFC 7644 §3.9). An empty list means no list. */
export interface AttributeLists {
  readonly attributes: readonly string[];
  readonly excludedAttributes: readonly string[];
}

/**
 * Which attributes of a resource a response holds (RFC 7643 §7 `returned`, RFC 7644 §3.9). Names are
 * case-insensitive, in full or short notation, down to a sub-attribute. Unknown names are ignored. If a client
 * sends both lists, `excludedAttributes` is subtracted from `attributes`.
 */
export class Projection {
  /** Whether the client asks for no particular attributes. Such a response needs no projection. */
  readonly isDefault: boolean;
  private readonly asked: Selections | null;
  private readonly excluded: Selections;

  constructor(
    private readonly type: ResourceType,
    lists: AttributeLists,
  ) {
    this.asked = lists.attributes.length === 0 ? null : selections(type, lists.attributes);
    this.excluded = selections(type, lists.excludedAttributes);
    this.isDefault = this.asked === null && this.excluded.size === 0;
  }

  /** Whether the response may hold part of this top-level attribute. If not, it need not be read (`members`, `groups`). */
  includes(name: string): boolean {
    const attribute = this.type.topLevel(name);
    return attribute !== undefined && wanted(attribute, this.asked ?? true, this.excluded) !== false;
  }

  /** A new object with the included attributes, in canonical order. */
  project(resource: ScimResource): ScimResource {
    return projectObject(this.type.root, resource, this.asked ?? true, this.excluded);
  }
}

function projectObject(
  parent: Attribute,
  value: ScimObject,
  asked: true | Selections,
  excluded: Selections,
): ScimObject {
  const result: ScimObject = {};
  for (const attribute of parent.subAttributes) {
    const part = value[attribute.name];
    if (part === undefined) continue;
    const how = wanted(attribute, asked, excluded);
    if (how === false) continue;
    const hidden = excluded.get(attribute);
    const projected = projectValue(
      attribute,
      part,
      how,
      hidden === undefined || hidden === true ? NOTHING : hidden,
    );
    if (!isEmpty(projected)) result[attribute.name] = projected;
  }
  return result;
}

function projectValue(
  attribute: Attribute,
  value: ScimValue,
  asked: true | Selections,
  excluded: Selections,
): ScimValue {
  if (Array.isArray(value)) {
    return value
      .map((element) => projectValue(attribute, element, asked, excluded))
      .filter((element) => !isEmpty(element));
  }
  return typeof value === 'object' ? projectObject(attribute, value, asked, excluded) : value;
}

function wanted(
  attribute: Attribute,
  asked: true | Selections,
  excluded: Selections,
): false | true | Selections {
  if (attribute.returned === 'never') return false;
  const selection = asked === true ? undefined : asked.get(attribute);
  if (attribute.returned === 'always') return selection ?? true;
  if (excluded.get(attribute) === true) return false;
  if (asked === true) return attribute.returned === 'default';
  return selection ?? false;
}

function selections(type: ResourceType, names: readonly string[]): Selections {
  const result: Selections = new Map();
  for (const name of names) {
    for (const steps of stepsOf(type, name)) select(result, steps);
  }
  return result;
}

function select(into: Selections, [attribute, ...rest]: readonly Attribute[]): void {
  if (attribute === undefined) return;
  const present = into.get(attribute);
  if (present === true) return;
  if (rest.length === 0) {
    into.set(attribute, true);
    return;
  }
  const inner: Selections = present ?? new Map<Attribute, true | Selections>();
  into.set(attribute, inner);
  select(inner, rest);
}

/** The URN of the core schema alone means all its attributes. */
function stepsOf(type: ResourceType, name: string): readonly (readonly Attribute[])[] {
  const container = type.containerOf(name);
  if (container === type.root) {
    const core = new Set(type.schema.attributes.map((attribute) => attribute.name));
    return type.root.subAttributes
      .filter((attribute) => core.has(attribute.name))
      .map((attribute) => [attribute]);
  }
  if (container !== undefined) return [[container]];
  const path = parseAttributePath(name);
  const resolution = path === null ? null : type.resolve(path);
  return resolution?.kind === 'attribute' ? [resolution.steps] : [];
}
