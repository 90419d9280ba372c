// The plan of a test in a fold: TOML as the orchestrator writes it, asked for when the fold is opened.

import { useState } from "preact/hooks";

import { planAsToml } from "../../state/actions";
import { Copyable } from "../../parts/copy";
import type { Plan } from "../../state/shapes";

export function PlanFold({ plan, isOpen }: { plan: Plan; isOpen: boolean }) {
  const [text, setText] = useState<{ of: Plan; toml: string | null } | null>(null);
  const open = () => {
    if (text?.of === plan) return;
    planAsToml(plan).then(
      (toml) => setText({ of: plan, toml }),
      // Masked values, and what an earlier version stored, may not be a plan that can be checked.
      () => setText({ of: plan, toml: null }),
    );
  };
  return (
    <section class="card no-print">
      <details
        open={isOpen}
        onToggle={(event) => {
          if (event.currentTarget.open) open();
        }}
      >
        <summary>
          <h2>Plan</h2> <span class="dim small">with every default; secrets are masked</span>
        </summary>
        {text ? <Copyable text={text.toml ?? JSON.stringify(plan, null, 2)} label="the plan" /> : <p class="dim">Loading …</p>}
      </details>
    </section>
  );
}
