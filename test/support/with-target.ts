import type { DynamicModule, FactoryProvider } from '@nestjs/common';
import { IntegrationProvidersModule } from '../../src/integration-providers.module';
import type { IntegrationProvider } from '../../src/integrations/provider/integration-provider';

class TargetModule {}

/**
 * The product with one more provider. Only the place that registers providers changes, in the way that its comment
 * describes: one more import, and one more name to inject.
 */
export function withTarget(rooms: DynamicModule, target: IntegrationProvider): DynamicModule {
  const token = Symbol(target.type);
  const room: DynamicModule = {
    module: TargetModule,
    providers: [{ provide: token, useValue: target }],
    exports: [token],
  };
  const imports = rooms.imports!.map((shipped) =>
    isDynamic(shipped) && shipped.module === IntegrationProvidersModule
      ? registering(shipped, room, token)
      : shipped,
  );
  return { ...rooms, imports };
}

function registering(shipped: DynamicModule, room: DynamicModule, token: symbol): DynamicModule {
  const [registration] = shipped.providers as [FactoryProvider];
  return {
    ...shipped,
    imports: [...shipped.imports!, room],
    providers: [{ ...registration, inject: [...registration.inject!, token] }],
  };
}

function isDynamic(room: unknown): room is DynamicModule {
  return typeof room === 'object' && room !== null && 'module' in room;
}
