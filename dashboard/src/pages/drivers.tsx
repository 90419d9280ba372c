// The page of /drivers; still empty.
export default function Page() {
  return <h1>drivers</h1>;
}
