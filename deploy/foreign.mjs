// Looks at objects of KEDA and of the Prometheus operator. Reads them as a JSON array; writes one of what is wrong.
import { readFileSync } from "node:fs";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";

const kinds = { ScaledObject, PodMonitor };

function fault(document) {
  const Kind = kinds[document.kind];
  if (!Kind) return `no schema of ${document.kind} is looked at`;
  try {
    new Kind(document).validate();
  } catch (error) {
    return error.message;
  }
}

const documents = JSON.parse(readFileSync(0, "utf8"));
const faults = documents.flatMap((document) => {
  const found = fault(document);
  return found ? [`${document.kind} ${document.metadata.name}: ${found}`] : [];
});
console.log(JSON.stringify(faults));
