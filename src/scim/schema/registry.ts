import { container, describeAttribute, type Attribute, type Schema } from './attribute';
import { printAttributePath, type AttributePath } from './attribute-path';
import { LEADING_ATTRIBUTES, TRAILING_ATTRIBUTES } from './common-attributes';
import { ENTERPRISE_USER_SCHEMA } from './enterprise-user.schema';
import { GROUP_SCHEMA } from './group.schema';
import { USER_SCHEMA } from './user.schema';

const RESOURCE_TYPE_URN = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
const SCHEMA_URN = 'urn:ietf:params:scim:schemas:core:2.0:Schema';

/** What an attribute path means in a resource type. */
export type Resolution =
  /** `steps` leads from the resource to the attribute: `[manager's URN, manager, value]`, `[emails, value]`, or a URN alone. */
  | { kind: 'attribute'; steps: readonly [Attribute, ...Attribute[]] }
  /** The URN of the core schema: the resource as a whole. */
  | { kind: 'resource' }
  /** An unknown attribute of a known schema. */
  | { kind: 'unknown-attribute' }
  /** An attribute of an unknown schema. */
  | { kind: 'unknown-schema' };

/** A resource type: its attributes, their order and their names. */
export class ResourceType {
  /** The whole resource as one complex attribute, its parts in canonical order. */
  readonly root: Attribute;
  /** The extensions, each as a complex attribute under its URN. */
  readonly extensions: readonly Attribute[];
  private readonly containers = new Map<string, Attribute>();

  constructor(
    readonly name: 'User' | 'Group',
    readonly endpoint: '/Users' | '/Groups',
    readonly description: string,
    readonly schema: Schema,
    readonly extensionSchemas: readonly Schema[],
  ) {
    this.extensions = extensionSchemas.map((extension) =>
      container(extension.id, extension.description, extension.attributes),
    );
    this.root = container('', description, [
      ...LEADING_ATTRIBUTES,
      ...schema.attributes,
      ...this.extensions,
      ...TRAILING_ATTRIBUTES,
    ]);
    for (const urn of urnsOf(schema)) this.containers.set(urn, this.root);
    extensionSchemas.forEach((extension, index) => {
      for (const urn of urnsOf(extension)) this.containers.set(urn, this.extensions[index]!);
    });
  }

  /** The object that holds the attributes of a schema: the root for the core schema. Aliases count too. */
  containerOf(urn: string): Attribute | undefined {
    return this.containers.get(urn.toLowerCase());
  }

  /** The attribute with this top-level name in any spelling, or the extension with this URN. */
  topLevel(name: string): Attribute | undefined {
    const key = name.toLowerCase();
    const extension = this.containers.get(key);
    return extension === undefined || extension === this.root ? this.root.subAttribute.get(key) : extension;
  }

  /** RFC 7644 §3.10: names without a URN belong to the core schema or are common. Case does not count. */
  resolve(path: AttributePath): Resolution {
    const whole = this.containerOf(printAttributePath(path));
    if (whole === this.root) return { kind: 'resource' };
    if (whole !== undefined) return { kind: 'attribute', steps: [whole] };

    const parent = path.urn === null ? this.root : this.containerOf(path.urn);
    if (parent === undefined) {
      return { kind: isSchemaOfAnotherType(path.urn!) ? 'unknown-attribute' : 'unknown-schema' };
    }
    const attribute = parent.subAttribute.get(path.name.toLowerCase());
    if (attribute === undefined) return { kind: 'unknown-attribute' };
    const way: readonly [Attribute, ...Attribute[]] =
      parent === this.root ? [attribute] : [parent, attribute];
    if (path.sub === null) return { kind: 'attribute', steps: way };
    const sub = attribute.subAttribute.get(path.sub.toLowerCase());
    return sub === undefined ? { kind: 'unknown-attribute' } : { kind: 'attribute', steps: [...way, sub] };
  }
}

function urnsOf(schema: Schema): string[] {
  return [schema.id, ...schema.aliases].map((urn) => urn.toLowerCase());
}

function isSchemaOfAnotherType(urn: string): boolean {
  return RESOURCE_TYPES.some((type) => type.containerOf(urn) !== undefined);
}

export const USER = new ResourceType('User', '/Users', 'User Account', USER_SCHEMA, [ENTERPRISE_USER_SCHEMA]);
export const GROUP = new ResourceType('Group', '/Groups', 'Group', GROUP_SCHEMA, []);
export const RESOURCE_TYPES: readonly ResourceType[] = [USER, GROUP];

/** The `members` of a group. They are separate rows, not part of the stored resource. */
export const MEMBERS: Attribute = GROUP.root.subAttribute.get('members')!;

export const SCHEMAS: readonly Schema[] = RESOURCE_TYPES.flatMap((type) => [
  type.schema,
  ...type.extensionSchemas,
]);

/** A schema as `/Schemas` lists it (RFC 7643 §7). `baseUrl` is the SCIM base URL without a trailing slash. */
export function describeSchema(schema: Schema, baseUrl: string): Record<string, unknown> {
  return {
    schemas: [SCHEMA_URN],
    id: schema.id,
    name: schema.name,
    description: schema.description,
    attributes: schema.attributes.map(describeAttribute),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.id}` },
  };
}

/** A resource type as `/ResourceTypes` lists it (RFC 7643 §6). */
export function describeResourceType(type: ResourceType, baseUrl: string): Record<string, unknown> {
  return {
    schemas: [RESOURCE_TYPE_URN],
    id: type.name,
    name: type.name,
    endpoint: type.endpoint,
    description: type.description,
    schema: type.schema.id,
    schemaExtensions: type.extensionSchemas.map((extension) => ({ schema: extension.id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${type.name}` },
  };
}
