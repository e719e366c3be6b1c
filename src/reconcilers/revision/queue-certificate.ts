import { Namespace } from "../../apis/core/namespace.ts";
import { Secret } from "../../apis/core/secret.ts";
import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference, isControlledBy } from "../../apis/meta.ts";
import { Certificate } from "../../apis/networking/certificate.ts";
import { certificateClassAnnotations, certificateTypeLabel } from "../../apis/networking/labels.ts";
import { Revision } from "../../apis/serving/revision.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { Client, Informers, Pass } from "../../kube/api.ts";
import { type Watch, watching } from "../../kube/controller.ts";
import { failed, isNotFound, reasonFor } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { servingCertificateName } from "./pod-spec.ts";

/** The certificate that all queue-proxies of a namespace serve, where the system's inner traffic is encrypted. */
export interface Certificates {
  /** Rejects while the certificate is not there yet. Does nothing where inner traffic is plain. */
  ensure(revision: Revision, pass: Pass<ServingConfig>): Promise<void>;
  /** Tells the revisions of a namespace when its certificate changes. */
  readonly watch: Watch;
}

/**
 * The Certificate for a namespace; it belongs to the namespace, since all revisions in it share it.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/certificate.go.
 */
export function makeQueueCertificate(namespace: Namespace, certificateClass: string): Certificate {
  const { name } = namespace.metadata;
  return {
    apiVersion: apiVersionOf(Certificate),
    kind: Certificate.kind,
    metadata: {
      name: servingCertificateName,
      namespace: name,
      ownerReferences: [controllerReference({ ...namespace, apiVersion: "v1", kind: "Namespace" })],
      annotations: { [certificateClassAnnotations[0]]: certificateClass },
      labels: { [certificateTypeLabel]: "system-internal" },
    },
    spec: {
      dnsNames: [`kn-user-${name}`, "data-plane.knative.dev"],
      secretName: servingCertificateName,
    },
  };
}

/** Follows Certificates; namespaces and secrets are read one by one, and only where inner traffic is encrypted. */
export function createCertificates(client: Client, informers: Informers): Certificates {
  const certificates = informers.of(Certificate);
  const revisions = informers.of(Revision);

  const ensureObject = async (wanted: Certificate, namespace: Namespace, pass: Pass<ServingConfig>): Promise<void> => {
    const existing = certificates.get(wanted.metadata);
    if (!existing) {
      await client.of(Certificate).create(wanted, { signal: pass.signal });
    } else if (!isControlledBy(existing, namespace)) {
      const { name } = namespace.metadata;
      throw new Error(`owner: ${name} with Type *v1.Namespace does not own Certificate: "${wanted.metadata.name}"`);
    } else if (!semanticEqual(existing.spec, wanted.spec)) {
      await client.of(Certificate).update({ ...existing, spec: wanted.spec }, { signal: pass.signal });
    }
  };

  return {
    async ensure(revision, pass) {
      if (pass.config.network.systemInternalTLS !== "enabled") return;
      const name = revision.metadata.namespace ?? "";
      const place = `${name}/${servingCertificateName}`;
      const wish = certificateClassAnnotations
        .map((key) => revision.metadata.annotations?.[key])
        .find((value) => value !== undefined);
      const namespace = await client.of(Namespace).get({ name }, pass.signal);
      const wanted = makeQueueCertificate(namespace, wish || pass.config.network.defaultCertificateClass);
      await ensureObject(wanted, namespace, pass).catch(failed(`failed to reconcile Knative certificate ${place}`));
      const secret = await client
        .of(Secret)
        .get({ name: servingCertificateName, namespace: name }, pass.signal)
        .catch((error) => {
          const reason = isNotFound(error) ? "secret could not be found" : reasonFor(error);
          throw new Error(`secret ${place} is not ready yet: ${reason}`, { cause: error });
        });
      for (const [key, what] of [
        ["tls.crt", "public cert"],
        ["tls.key", "private key"],
      ] as const) {
        if (!secret.data?.[key]) throw new Error(`certificate in secret ${place} is not ready yet: ${what} not found`);
      }
    },
    watch: watching(certificates, ({ metadata }) => {
      if (metadata.name !== servingCertificateName) return [];
      const { namespace = "" } = metadata;
      return revisions.list({ namespace }).map((revision) => `${namespace}/${revision.metadata.name}`);
    }),
  };
}
