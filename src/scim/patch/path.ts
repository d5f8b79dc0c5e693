import { bindValueFilter, type BoundFilter } from '../filter/bind';
import type { ValueFilter } from '../filter/ast';
import { parseValuePath } from '../filter/parser';
import { quoted, ScimError } from '../messages/scim-error';
import type { Attribute } from '../schema/attribute';
import type { AttributePath } from '../schema/attribute-path';
import type { Resolution, ResourceType } from '../schema/registry';

/** What a PATCH operation works on. */
export interface AttributeTarget {
  readonly kind: 'attribute';
  /**
   * The way to it from the resource: single-valued complex attributes (an extension under its URN is one), then the
   * attribute itself. `name.familyName` is `[name, familyName]`, `emails.value`, `emails[…].value` and `manager[…].value`
   * end before the `sub`: from a multi-valued attribute or a filter on, values have to be chosen.
   */
  readonly steps: readonly [Attribute, ...Attribute[]];
  /** The last of the steps. */
  readonly attribute: Attribute;
  readonly selection: Selection | null;
  readonly sub: Attribute | null;
}

/** The values of a complex attribute that a filter in the path chooses; of a single-valued one, its value or none. */
export interface Selection {
  readonly filter: BoundFilter;
  readonly written: ValueFilter;
}

export type PatchTarget =
  | AttributeTarget
  /** The resource itself, by the URN of its core schema or by the absence of a path. */
  | { readonly kind: 'resource' }
  /** An attribute of a schema that we do not know: whatever is done to it does nothing. */
  | { readonly kind: 'unknown-schema' }
  /** No attribute of a schema that we know. */
  | { readonly kind: 'unknown-attribute' };

/**
 * Looks up a PATCH path (RFC 7644 §3.5.2 figure 7); a path may also be the URN of a schema alone. Only what is removed may
 * be a single value that a filter chooses, as Entra removes a `manager`.
 *
 * @param mayLackUrn whether names of an extension are known without its URN
 * @throws ScimError 400 invalidPath, or invalidFilter for what stands in the brackets
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
    throw ScimError.invalidPath('A whole resource has no values to select.');
  if (resolution.kind !== 'attribute') return resolution;
  if (filter === null) return plainTarget(resolution.steps);

  const attribute = resolution.steps.at(-1)!;
  if (attribute.type !== 'complex' || !(attribute.multiValued || op === 'remove')) {
    throw ScimError.invalidPath(
      `The path selects values of ${quoted(attribute.name)}, which has none to select.`,
    );
  }
  const selection = { filter: bindValueFilter(attribute, filter), written: filter };
  const selected = { kind: 'attribute', steps: resolution.steps, attribute, selection } as const;
  if (sub === null) return { ...selected, sub: null };
  const subAttribute = attribute.subAttribute.get(sub.toLowerCase());
  return subAttribute === undefined ? { kind: 'unknown-attribute' } : { ...selected, sub: subAttribute };
}

/** The URN before a name of an extension is only recommended (RFC 7644 §3.10); without it the core's own names come first. */
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
