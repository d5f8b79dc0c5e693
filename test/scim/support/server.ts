import { Scimify, type TestIntegration } from '../../support/scimify';

/** The server of a spec file. */
export interface ServerOfFile {
  readonly scimify: Scimify;
  /** An empty integration in a new tenant. It is paused, so a SCIM test causes no PagerDuty calls. */
  freshIntegration(tenantId?: string): Promise<TestIntegration>;
}

/** Starts a server before the tests of the calling file, and stops it after them. */
export function serverOfThisFile(env: Record<string, string> = {}): ServerOfFile {
  let started: Scimify | undefined;
  beforeAll(async () => {
    started = await Scimify.start(env);
  });
  afterAll(() => started?.stop());

  return {
    get scimify() {
      if (started === undefined) throw new Error('The server is not started before the tests run');
      return started;
    },
    freshIntegration(tenantId) {
      return this.scimify.createIntegration({ enable: false, tenantId });
    },
  };
}
