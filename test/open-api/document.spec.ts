import { SwaggerModule } from '@nestjs/swagger';
import { DEFAULT_POLICIES } from '../../src/integrations/policies';
import { HttpClient } from '../support/http';
import { OPEN_API_FILES, committedDocument, openApiOperations, sampleBody } from '../support/open-api';
import { Scimify } from '../support/scimify';

describe('the OpenAPI documents', () => {
  let scimify: Scimify;
  let served: Record<string, any>;

  beforeAll(async () => {
    scimify = await Scimify.start({ SCIMIFY_API_DOCS: 'true' });
    served = (await new HttpClient(scimify.url, {}).get('/api/openapi.json')).body;
  });

  afterAll(() => scimify.stop());

  it.each(OPEN_API_FILES)(
    'is committed in docs/%s as it is served; `npm run openapi:write` brings it up to date',
    async (file) => {
      const text = (document: unknown) => JSON.stringify(document, null, 1).split('\n');
      const { body } = await new HttpClient(scimify.url, {}).get(`/api/${file}`);
      expect(text(committedDocument(file))).toEqual(text(body));
    },
  );

  it('tells of SCIM apart from the admin API, each with its own keys alone', () => {
    const [admin, scim] = OPEN_API_FILES.map(committedDocument) as [any, any];
    expect(Object.keys(admin.components.securitySchemes)).toEqual(['adminKey']);
    expect(Object.keys(scim.components.securitySchemes)).toEqual(['scimKey', 'bareScimKey']);
    const doorsOf = ({ paths }: any) => [
      ...new Set(Object.keys(paths as object).map((path) => path.split('/')[1])),
    ];
    expect([doorsOf(admin), doorsOf(scim)]).toEqual([['health', 'api'], ['scim']]);
    // No schema is in both documents.
    const { schemas } = admin.components;
    expect(Object.keys(scim.components.schemas as object).filter((name) => name in schemas)).toEqual([]);
  });

  it('begins each body of the admin API with what has to be said and nothing else', () => {
    const withBody = adminOperations().filter(({ operation }) => operation.requestBody);
    expect(withBody.length).toBeGreaterThan(10);
    for (const one of withBody) {
      const { required = [] } = schemaNamed(bodyOf(one.operation).$ref);
      expect([nameOf(one), Object.keys(sampleBody(one.operation))]).toEqual([nameOf(one), required]);
    }
  });

  it('gives examples with which an integration is made by the defaults, and changed not at all', async () => {
    const sample = (name: string) =>
      sampleBody(adminOperations().find((one) => nameOf(one) === name)!.operation);
    const tenantId = await scimify.createTenant();
    const created = await scimify.admin.post(
      `/tenants/${tenantId}/integrations`,
      sample('POST /tenants/{tenantId}/integrations'),
    );
    expect(created.status).toBe(201);
    expect(created.body.policies).toEqual(DEFAULT_POLICIES);

    const tenant = (await scimify.admin.get(`/tenants/${tenantId}`)).body;
    const renamed = await scimify.admin.patch(`/tenants/${tenantId}`, sample('PATCH /tenants/{tenantId}'));
    expect([renamed.status, renamed.body]).toEqual([200, tenant]);
    const changed = await scimify.admin.patch(
      `/integrations/${created.body.id}`,
      sample('PATCH /integrations/{id}'),
    );
    expect([changed.status, changed.body]).toEqual([200, created.body]);

    const { status, body } = await scimify.admin.post(
      `/tenants/${tenantId}/admin-keys`,
      sample('POST /tenants/{tenantId}/admin-keys'),
    );
    expect([status, body.role, body.expiresAt]).toEqual([201, 'viewer', null]);
  });

  it('gives examples that overwrite no user and no group over SCIM', async () => {
    const { scim } = await scimify.createIntegration({ enable: false });
    const ann = await scim.createUser('ann@example.com');
    const ids = { Users: ann, Groups: await scim.createGroup('Platform', [ann]) };
    const everything = async () => [
      (await scim.get('/Users')).body.Resources,
      (await scim.get('/Groups')).body.Resources,
    ];
    const document = committedDocument('openapi-scim.json');
    const { example: ifMatch } = document.components.parameters.ScimIfMatch;
    const changes = openApiOperations(document).filter(
      ({ method, path }) => path.endsWith('/{id}') && method !== 'get',
    );
    expect(changes).toHaveLength(6);
    for (const { method, path, operation } of changes) {
      const type = path.includes('/Users/') ? 'Users' : 'Groups';
      const headers = { 'If-Match': ifMatch };
      const { status } = await scim.send(
        method.toUpperCase(),
        `/${type}/${ids[type]}`,
        sampleBody(operation),
        headers,
      );
      expect([method, path, status]).toEqual([method, path, 412]);
    }
    // Without If-Match, the examples of PUT remove no user from a team.
    for (const { method, path, operation } of changes) {
      if (method !== 'put') continue;
      const type = path.includes('/Users/') ? 'Users' : 'Groups';
      expect((await scim.put(`/${type}/${ids[type]}`, sampleBody(operation))).status).toBe(200);
    }
    const [[user], [group]] = (await everything()) as [any[], any[]];
    expect(user).toMatchObject({ active: true, emails: [{ value: 'ann@example.com' }] });
    expect(group.members).toMatchObject([{ value: ann }]);
  });

  it('has the routes of SCIM that its controllers have, and /Me, which they hide', () => {
    const scim = (document: Record<string, any>) =>
      openApiOperations(document)
        .filter(({ path }) => path.startsWith('/scim/') && !path.endsWith('/Me'))
        .map(({ method, path }) => `${method} ${path}`)
        .sort();
    const fromControllers = SwaggerModule.createDocument(scimify.app, {
      openapi: '3.0.0',
      info: served.info,
    });
    const described = committedDocument('openapi-scim.json');
    expect(scim(described)).toEqual(scim(fromControllers as Record<string, any>));
    expect(Object.keys(described.paths['/scim/v2/{integrationId}/Me'])).toEqual(
      expect.arrayContaining(['get', 'post', 'put', 'patch', 'delete']),
    );
  });

  it('gives each text of the admin API an example, a format or its possible values', () => {
    const silent = Object.entries(served.components.schemas as Record<string, any>)
      .filter(([name]) => !name.startsWith('Scim'))
      .flatMap(([name, { properties = {} }]) =>
        Object.entries(properties as Record<string, any>)
          .filter(([, schema]) => [schema.type].flat().includes('string'))
          .filter(
            ([, { examples, format, enum: values, default: value }]) =>
              !(examples ?? format ?? values ?? value),
          )
          .map(([property]) => `${name}.${property}`),
      );
    expect(silent).toEqual([]);
  });

  const adminOperations = () => openApiOperations(served).filter(({ path }) => path.startsWith('/api/'));
  const nameOf = ({ method, path }: { method: string; path: string }) =>
    `${method.toUpperCase()} ${path.replace('/api/v1', '')}`;
  const schemaNamed = (reference: string) => served.components.schemas[reference.split('/').at(-1)!];
  const bodyOf = (operation: Record<string, any>) =>
    operation.requestBody?.content['application/json'].schema;

  /** A schema and all that it refers to. */
  const reachableFrom = (part: unknown, found = new Set<object>()): Set<object> => {
    if (typeof part !== 'object' || part === null || found.has(part)) return found;
    found.add(part);
    const { $ref, ...rest } = part as { $ref?: unknown };
    if (typeof $ref === 'string') reachableFrom(schemaNamed($ref), found);
    for (const inner of Object.values(rest)) reachableFrom(inner, found);
    return found;
  };

  it('tells no default of what a merge patch leaves unchanged when it is left out', () => {
    for (const { method, operation } of adminOperations()) {
      if (method !== 'patch') continue;
      const withDefault = [...reachableFrom(bodyOf(operation))].filter((schema) => 'default' in schema);
      expect(withDefault).toEqual([]);
    }
    const created = served.components.schemas.PoliciesInput.properties;
    expect(created.onGroupDelete).toMatchObject({ default: 'delete' });
    const { policies } = served.components.schemas.ChangeIntegration.properties;
    const { default: _, ...changed } = created.onGroupDelete;
    expect(schemaNamed(policies.$ref).properties.onGroupDelete).toEqual(changed);
  });

  it('offers a merge patch under both media types, of one schema', () => {
    const patches = adminOperations().filter(({ method }) => method === 'patch');
    expect(patches.length).toBeGreaterThan(1);
    for (const { operation } of patches) {
      const { content } = operation.requestBody;
      expect(Object.keys(content)).toEqual(['application/merge-patch+json', 'application/json']);
      expect(content['application/merge-patch+json']).toEqual(content['application/json']);
    }
  });

  it('says of each text that is taken how long it may be, or what it has to be', () => {
    const texts = adminOperations().flatMap((one) => [
      ...((one.operation.parameters ?? []) as any[])
        .filter(({ in: place }) => place === 'query')
        .map(({ name, schema }) => [`${nameOf(one)}?${name}`, schema] as const),
      ...Object.entries(bodyOf(one.operation) ? schemaNamed(bodyOf(one.operation).$ref).properties : {}).map(
        ([name, schema]) => [`${nameOf(one)} ${name}`, schema as any] as const,
      ),
    ]);
    const unbounded = texts
      .filter(([, { type }]) => [type].flat().includes('string'))
      .filter(
        ([, { maxLength, pattern, format, enum: values }]) => !(maxLength ?? pattern ?? format ?? values),
      );
    expect(unbounded.map(([name]) => name)).toEqual([]);
  });

  it('says that an object of any fields may have any', () => {
    const bare = [...reachableFrom(served.components.schemas)]
      .map((schema) => schema as any)
      .filter(({ type, properties }) => [type].flat().includes('object') && !properties)
      .filter(({ additionalProperties }) => additionalProperties === undefined);
    expect(bare).toEqual([]);
    const { IntegrationView, ProviderView, AuditEventView } = served.components.schemas;
    expect(IntegrationView.properties.settings.additionalProperties).toBe(true);
    expect(ProviderView.properties.settingsSchema.additionalProperties).toBe(true);
    expect(AuditEventView.properties.detail.additionalProperties).toBe(true);
  });

  it('claims of an admin key no more than that it is a bearer token', () => {
    expect(served.components.securitySchemes.adminKey).toEqual({
      type: 'http',
      scheme: 'bearer',
      description: expect.any(String),
    });
  });

  it('asks for a body exactly where a request without one is refused', async () => {
    const { id } = await scimify.createIntegration({ enable: false });
    const tenantId = await scimify.createTenant();
    for (const { method, path, operation } of adminOperations()) {
      const { requestBody } = operation;
      if (!requestBody) continue;
      const target = path
        .replace('/api/v1', '')
        .replace('{tenantId}', tenantId)
        .replaceAll(/\{\w+\}/g, id);
      const { status } = await scimify.admin.send(method.toUpperCase(), target);
      expect([nameOf({ method, path }), status === 400]).toEqual([
        nameOf({ method, path }),
        requestBody.required,
      ]);
    }
  });

  it('promises the version that If-Match asks for, wherever an integration is answered', () => {
    const versioned = adminOperations().filter(({ operation }) =>
      Object.entries(operation.responses as Record<string, any>).some(
        ([status, { headers = {} }]) => status < '300' && 'ETag' in headers,
      ),
    );
    expect(versioned.map(nameOf).sort()).toEqual([
      'GET /integrations/{id}',
      'PATCH /integrations/{id}',
      'POST /integrations/{id}/disable',
      'POST /integrations/{id}/enable',
      'POST /integrations/{id}/pause',
      'POST /integrations/{id}/rebind',
      'POST /tenants/{tenantId}/integrations',
    ]);
    expect(served.components.headers.ETag).toMatchObject({ required: true });
  });

  const codesOf = (operation: Record<string, any>, status: number): string[] => {
    const { $ref, ...own } = operation.responses[status];
    const answer = $ref ? served.components.responses[$ref.split('/').at(-1)] : own;
    const { examples } = answer.content['application/problem+json'];
    for (const [code, { value }] of Object.entries(examples as Record<string, any>)) {
      expect([code, value]).toMatchObject([code, { code, status, detail: expect.any(String) }]);
    }
    return Object.keys(examples).sort();
  };

  it.each([
    ['DELETE /admin-keys/{id}', 409, ['last_owner_key']],
    ['DELETE /tenants/{tenantId}', 409, ['tenant_has_integrations']],
    ['POST /held-changes/{id}/approve', 409, ['decided_already', 'not_listed']],
    ['POST /held-changes/{id}/reject', 409, ['decided_already', 'not_listed']],
    ['PUT /integrations/{id}/secret', 409, ['account_mismatch', 'changed_meanwhile', 'visibility_lost']],
    ['POST /integrations/{id}/pause', 409, ['integration_deleting']],
    ['POST /integrations/{id}/scim-keys', 409, ['integration_deleting', 'quota_reached']],
    [
      'POST /integrations/{id}/rebind',
      409,
      ['changed_meanwhile', 'integration_deleting', 'secret_unreadable'],
    ],
    ['PUT /integrations/{id}/secret', 412, ['precondition_failed']],
    ['PUT /integrations/{id}/secret', 422, ['secret_refused']],
    ['PUT /integrations/{id}/secret', 503, ['database_unavailable', 'outcome_unknown', 'target_unavailable']],
    ['PUT /integrations/{id}/users/{userId}/remote-link', 422, ['remote_user_unknown']],
    ['PATCH /integrations/{id}', 503, ['database_unavailable', 'outcome_unknown', 'target_unavailable']],
    ['POST /tenants', 422, ['idempotency_key_reused']],
    ['POST /tenants', 400, ['bad_request', 'invalid_request']],
    ['POST /tenants', 503, ['database_unavailable', 'outcome_unknown']],
  ])('shows an example of each problem of %s: %s %j', (name, status, codes) => {
    const { operation } = adminOperations().find((one) => nameOf(one) === name)!;
    expect(codesOf(operation, status)).toEqual(codes);
  });

  it('shows with each field what stands in that field', () => {
    const example = (schema: string, field: string) =>
      served.components.schemas[schema].properties[field].examples[0] as string;
    expect(example('ScimKeyView', 'prefix')).toMatch(/^scimify_scim_/);
    expect(example('AdminKeyView', 'prefix')).toMatch(/^scimify_admin_/);
    expect(example('CreatedScimKeyView', 'token')).toMatch(/^scimify_scim_/);
    expect(example('CreatedAdminKeyView', 'token')).toMatch(/^scimify_admin_/);
    expect(example('IntegrationView', 'name')).toBe(example('CreateIntegration', 'name'));
    expect(example('RejectHeldChange', 'reason')).toBe(example('HeldChangeView', 'note'));
    const messages = Object.entries(served.components.schemas as Record<string, any>).flatMap(
      ([name, { properties = {} }]) =>
        properties.message ? [[name, String(properties.message.examples?.[0])] as const] : [],
    );
    const ofMissingPeople = messages.filter(([, message]) => message.includes('login address'));
    expect(ofMissingPeople.map(([name]) => name).sort()).toEqual([
      'MemberView',
      'UnresolvedMemberView',
      'UserView',
    ]);
  });
});
