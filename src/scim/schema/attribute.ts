export type AttributeType =
  'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex';
export type Mutability = 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
export type Returned = 'always' | 'never' | 'default' | 'request';
export type Uniqueness = 'none' | 'server' | 'global';

/** The characteristics of an attribute: first those of RFC 7643 §7, which `/Schemas` publishes, then our own. */
export interface Attribute {
  readonly name: string;
  /** Its path in a resource, in attribute notation (RFC 7644 §3.10): `name.familyName`, `urn:…:User:manager.value`. */
  readonly path: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  /** Every resource has a value for it. A client may leave it out if it has a `defaultValue`. */
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: Mutability;
  readonly returned: Returned;
  readonly uniqueness: Uniqueness;
  readonly canonicalValues: readonly string[];
  readonly referenceTypes: readonly string[];
  /** In canonical order; empty unless the type is complex. */
  readonly subAttributes: readonly Attribute[];

  /** Sub-attributes by lower-case name. */
  readonly subAttribute: ReadonlyMap<string, Attribute>;
  /** Longest text in UTF-16 units, both as sent and folded, because keys use the folded text. */
  readonly maxLength: number;
  /** Most values of a multi-valued attribute. */
  readonly maxValues: number;
  /** The value at creation if the client sends none. Such an attribute is required. */
  readonly defaultValue: boolean | undefined;
  /** In a PUT, absent and null mean "unchanged" (RFC 7644 §3.5.1 leaves this to us). Only a given value replaces. */
  readonly keptWhenOmitted: boolean;
  /** A bare `"x"` in place of an object means `{"value": "x"}` (Entra's `manager`). */
  readonly acceptsBareValue: boolean;
  /** Blank text means "unassigned": some clients send it if they have no value. */
  readonly blankIsUnassigned: boolean;
  /** A forbidden value, compared without case, and the reason. Canonical values are only suggestions (RFC 7643 §7). */
  readonly refused: { readonly value: string; readonly because: string } | undefined;
}

/** A schema. The resource type decides where its attributes stand in a resource. */
export interface Schema {
  readonly id: string;
  /** Other URNs that clients use for this schema: older ones, and one with a typo from a vendor's example. */
  readonly aliases: readonly string[];
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

type Characteristics = Partial<Omit<Attribute, 'name' | 'path' | 'description' | 'subAttribute'>>;

const DEFAULT_MAX_LENGTH = 8192;
const DEFAULT_MAX_VALUES = 500;

/** An attribute with the defaults of RFC 7643 §2.2 for missing characteristics. */
export function attribute(
  name: string,
  description: string,
  characteristics: Characteristics = {},
): Attribute {
  const subAttributes = (characteristics.subAttributes ?? []).map((sub) => nest(`${name}.`, sub));
  return {
    name,
    path: name,
    type: 'string',
    multiValued: false,
    description,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    canonicalValues: [],
    referenceTypes: [],
    maxLength: DEFAULT_MAX_LENGTH,
    maxValues: DEFAULT_MAX_VALUES,
    defaultValue: undefined,
    keptWhenOmitted: false,
    acceptsBareValue: subAttributes.some((sub) => sub.name === 'value'),
    blankIsUnassigned: false,
    refused: undefined,
    ...characteristics,
    subAttributes,
    subAttribute: byLowerCaseName(subAttributes),
  };
}

/**
 * An object that only holds attributes: a whole resource, or an extension under its URN. As a complex attribute,
 * it needs no special case in reading, PATCH and projection.
 */
export function container(name: string, description: string, attributes: readonly Attribute[]): Attribute {
  const subAttributes = name === '' ? attributes : attributes.map((sub) => nest(`${name}:`, sub));
  return {
    ...attribute(name, description, { type: 'complex', acceptsBareValue: false }),
    subAttributes,
    subAttribute: byLowerCaseName(subAttributes),
  };
}

function nest(prefix: string, sub: Attribute): Attribute {
  const subAttributes = sub.subAttributes.map((inner) => nest(prefix, inner));
  return { ...sub, path: prefix + sub.path, subAttributes, subAttribute: byLowerCaseName(subAttributes) };
}

function byLowerCaseName(attributes: readonly Attribute[]): ReadonlyMap<string, Attribute> {
  return new Map(attributes.map((sub) => [sub.name.toLowerCase(), sub]));
}

/** The shape of RFC 7643 §2.4 that most multi-valued attributes share: value, display, type, primary. */
export function multiValued(
  name: string,
  description: string,
  value: Characteristics,
  types: readonly string[],
  characteristics: Characteristics = {},
): Attribute {
  return attribute(name, description, {
    ...characteristics,
    type: 'complex',
    multiValued: true,
    subAttributes: [
      attribute('value', `The value of this entry of "${name}".`, value),
      attribute('display', 'A human-readable name, primarily used for display purposes.'),
      attribute('type', 'A label that says what the value is for.', { canonicalValues: types }),
      attribute('primary', `Whether this is the preferred entry of "${name}"; at most one entry is.`, {
        type: 'boolean',
      }),
    ],
  });
}

/** An attribute as `/Schemas` shows it: only the characteristics that its type has (RFC 7643 §2.3, §7). */
export function describeAttribute(attribute: Attribute): Record<string, unknown> {
  const textual =
    attribute.type === 'string' || attribute.type === 'reference' || attribute.type === 'binary';
  return {
    name: attribute.name,
    type: attribute.type,
    multiValued: attribute.multiValued,
    description: attribute.description,
    required: attribute.required,
    ...(textual ? { caseExact: attribute.caseExact } : {}),
    ...(attribute.canonicalValues.length > 0 ? { canonicalValues: attribute.canonicalValues } : {}),
    mutability: attribute.mutability,
    returned: attribute.returned,
    ...(attribute.type === 'boolean' ? {} : { uniqueness: attribute.uniqueness }),
    ...(attribute.type === 'reference' ? { referenceTypes: attribute.referenceTypes } : {}),
    ...(attribute.type === 'complex'
      ? { subAttributes: attribute.subAttributes.map(describeAttribute) }
      : {}),
  };
}
