// The page of /tests; still empty.
export default function Page() {
  return <h1>tests</h1>;
}
