import type { MeasuredScimify } from './measured-scimify';
import type { SentRequest } from './sender';
import type { Directory, World } from './world';

const SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:';
const RESOURCE = 'urn:ietf:params:scim:schemas:core:2.0:';

/** Makes the requests of one IdP. */
export class ScimRequests {
  constructor(
    private readonly scimify: MeasuredScimify,
    private readonly directory: Directory,
  ) {}

  get(path: string, query: Record<string, string> = {}): SentRequest {
    const search = new URLSearchParams(query).toString();
    return this.request('GET', search ? `${path}?${search}` : path);
  }

  search(path: string, body: object): SentRequest {
    return this.post(`${path}/.search`, { schemas: [`${SCHEMA}SearchRequest`], ...body });
  }

  filter(path: string, filter: string): SentRequest {
    return this.search(path, { filter, count: 10 });
  }

  patch(path: string, operations: readonly object[]): SentRequest {
    return this.request('PATCH', path, { schemas: [`${SCHEMA}PatchOp`], Operations: operations });
  }

  bulk(operations: readonly object[]): SentRequest {
    return this.post('/Bulk', { schemas: [`${SCHEMA}BulkRequest`], Operations: operations });
  }

  post(path: string, body: object | string): SentRequest {
    return this.request('POST', path, body);
  }

  put(path: string, body: object | string): SentRequest {
    return this.request('PUT', path, body);
  }

  /** A body that is a string is sent as it is. */
  request(method: string, path: string, body?: object | string): SentRequest {
    return {
      method,
      url: `${this.scimify.url}/scim/v2/${this.directory.integrationId}${path}`,
      headers: {
        Authorization: `Bearer ${this.directory.scimKey}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/scim+json' }),
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    };
  }
}

export const userBody = (userName: string, more: object = {}) => ({
  schemas: [`${RESOURCE}User`],
  userName,
  ...more,
});

export const groupBody = (displayName: string, members: readonly unknown[]) => ({
  schemas: [`${RESOURCE}Group`],
  displayName,
  members,
});

export const patchBody = (operations: readonly object[]) => ({
  schemas: [`${SCHEMA}PatchOp`],
  Operations: operations,
});

/** A request to the admin API, with or without a key. */
export function adminRequest(
  scimify: MeasuredScimify,
  key: string | null,
  method: string,
  path: string,
  body?: object | string,
): SentRequest {
  return {
    method,
    url: scimify.url + path,
    headers: {
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  };
}

/** What an attack needs to make its requests. */
export interface Target {
  scimify: MeasuredScimify;
  world: World;
  /** Integration of the hostile tenant with 20,000 users and big groups. */
  scim: ScimRequests;
  /** Integration of the hostile tenant with large users. */
  large: ScimRequests;
}

export function targetOf(scimify: MeasuredScimify, world: World): Target {
  return {
    scimify,
    world,
    scim: new ScimRequests(scimify, world.big),
    large: new ScimRequests(scimify, world.large),
  };
}
