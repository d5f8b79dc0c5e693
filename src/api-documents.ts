import type { INestApplication } from '@nestjs/common';
import { VERSION } from './config/version';
import { describeAdminApi, describeDoor } from './open-api/document';
import type { ServedDocument } from './open-api/types';
import { scimDocument } from './scim/http/open-api';

/** One OpenAPI document for each API, because each API has its own keys. */
export function describeDoors(app: INestApplication): ServedDocument[] {
  const scim = scimDocument();
  return [
    {
      file: 'openapi.json',
      page: '/api/docs',
      name: 'Admin API',
      document: describeAdminApi(app, VERSION, scim.prefix),
    },
    {
      file: 'openapi-scim.json',
      page: '/api/docs/scim',
      name: 'SCIM',
      document: describeDoor(scim, VERSION),
    },
  ];
}
