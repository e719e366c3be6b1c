import { type ContractCase, core } from "./samples.ts";

/** Lists: selectors and pages. */
export const listCases: readonly ContractCase[] = [
  {
    name: "lists select and page",
    steps: [
      [
        "POST",
        `${core}/endpoints`,
        { apiVersion: "v1", kind: "Endpoints", metadata: { name: "e1", labels: { t: "a" } } },
      ],
      [
        "POST",
        `${core}/endpoints`,
        { apiVersion: "v1", kind: "Endpoints", metadata: { name: "e2", labels: { t: "b" } } },
      ],
      [
        "POST",
        `${core}/endpoints`,
        { apiVersion: "v1", kind: "Endpoints", metadata: { name: "e3", labels: { t: "b" } } },
      ],
      ["GET", `${core}/endpoints`],
      ["GET", `${core}/endpoints?limit=2`],
      ["GET", `${core}/endpoints?labelSelector=t%3Db&limit=1`],
      ["GET", `${core}/endpoints?labelSelector=t%20notin%20(b)`],
      ["GET", `${core}/endpoints?labelSelector=!t`],
      ["GET", `${core}/endpoints?fieldSelector=metadata.name%3De2`],
      ["GET", `${core}/endpoints?fieldSelector=metadata.name!%3De2`],
      ["DELETE", `${core}/endpoints?labelSelector=t%3Db`],
      ["GET", `${core}/endpoints`],
    ],
  },
];
