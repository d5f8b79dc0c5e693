import { bindValueFilter, type BoundFilter } from '../filter/bind';
import type { ValueFilter } from '../filter/ast';
import { parseValuePath } from '../filter/parser';
import { quoted, ScimError } from '../messages/scim-error';
import type { Attribute } from '../schema/attribute';
import type { AttributePath } from '../schema/attribute-path';
import type { Resolution, ResourceType } from '../schema/registry';

/** The attribute that a PATCH operation changes. */
export interface AttributeTarget {
  readonly kind: 'attribute';
  /**
   * The path from the resource: single-valued complex attributes (an extension under its URN is one), then the
   * attribute itself. `name.familyName` is `[name, familyName]`. In `emails.value`, `emails[…].value` and
   * `manager[…].value` the steps end before the `sub`: after a multi-valued attribute or a filter, values must be
   * selected first.
   */
  readonly steps: readonly [Attribute, ...Attribute[]];
  /** The last of the steps. */
  readonly attribute: Attribute;
  readonly selection: Selection | null;
  readonly sub: Attribute | null;
}

/** The filter in a path. It selects values of a complex attribute; of a single-valued one, its value or nothing. */
export interface Selection {
  readonly filter: BoundFilter;
  readonly written: ValueFilter;
}

export type PatchTarget =
  | AttributeTarget
  /** The resource itself, by the URN of its core schema or by the absence of a path. */
  | { readonly kind: 'resource' }
  /** An attribute of an unknown schema. Operations on it have no effect. */
  | { readonly kind: 'unknown-schema' }
  /** An unknown attribute of a known schema. */
  | { readonly kind: 'unknown-attribute' };

/**
 * Looks up a PATCH path (RFC 7644 §3.5.2 figure 7). A path may also be the URN of a schema alone. A filter on a
 * single-valued attribute is allowed only for remove: Entra removes a `manager` this way.
 *
 * @param mayLackUrn whether names of an extension are allowed without its URN
 * @throws ScimError 400 invalidPath, or invalidFilter for the filter in the brackets
 */
export function readPatchPath(
  type: ResourceType,
  op: 'add' | 'replace' | 'remove',
  text: string,
  mayLackUrn = true,
): PatchTarget {
  const container = type.containerOf(text);
  if (container !== undefined) {
    return container === type.root ? { kind: 'resource' } : plainTarget([container]);
  }

  const { path, filter, sub } = parseValuePath(text);
  const resolution = mayLackUrn ? resolve(type, path) : type.resolve(path);
  if (resolution.kind === 'resource')
    throw ScimError.invalidPath('A path to a whole resource cannot have a filter; remove the brackets.');
  if (resolution.kind !== 'attribute') return resolution;
  if (filter === null) return plainTarget(resolution.steps);

  const attribute = resolution.steps.at(-1)!;
  if (attribute.type !== 'complex' || !(attribute.multiValued || op === 'remove')) {
    throw ScimError.invalidPath(
      `The path has a filter on ${quoted(attribute.name)}, which has no values to select; remove the brackets.`,
    );
  }
  const selection = { filter: bindValueFilter(attribute, filter), written: filter };
  const selected = { kind: 'attribute', steps: resolution.steps, attribute, selection } as const;
  if (sub === null) return { ...selected, sub: null };
  const subAttribute = attribute.subAttribute.get(sub.toLowerCase());
  return subAttribute === undefined ? { kind: 'unknown-attribute' } : { ...selected, sub: subAttribute };
}

/** RFC 7644 §3.10 only recommends the URN before a name of an extension. Without it, names of the core schema win. */
function resolve(type: ResourceType, path: AttributePath): Resolution {
  const plain = type.resolve(path);
  if (plain.kind !== 'unknown-attribute' || path.urn !== null) return plain;
  const extended = type.extensions.map(({ name }) => type.resolve({ ...path, urn: name }));
  return extended.find(({ kind }) => kind === 'attribute') ?? plain;
}

function plainTarget(way: readonly [Attribute, ...Attribute[]]): AttributeTarget {
  const list = way.findIndex((attribute) => attribute.multiValued);
  const steps = list === -1 ? way : (way.slice(0, list + 1) as [Attribute, ...Attribute[]]);
  const sub = list === -1 ? null : (way[list + 1] ?? null);
  return { kind: 'attribute', steps, attribute: steps.at(-1)!, selection: null, sub };
}
