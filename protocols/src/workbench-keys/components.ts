import { combineComponents } from '../components/index.ts';
import { Secret, toHex } from '../kit/index.ts';
import { bytes, choice, has, list, operation, shown, unwrap } from './request.ts';

/** The `components` family of the workbench. */
export const componentsWorkbench = {
  combineComponents: operation((request) => {
    const components = list(request, 'components').map((component) =>
      Secret.take('key', bytes({ components: component }, 'components')),
    );
    const { key, kcv, componentKcvs } = unwrap(
      combineComponents({
        algorithm: choice(request, 'algorithm', ['TDES', 'AES']),
        kcvMethod: choice(request, 'kcvMethod', ['legacy', 'cmac']),
        components,
        ...(has(request, 'expectedKcv') ? { expectedKcv: bytes(request, 'expectedKcv') } : {}),
      }),
    );
    return { key: shown(key), keyKcv: toHex(kcv), componentKcvs: componentKcvs.map(toHex) };
  }),
};
