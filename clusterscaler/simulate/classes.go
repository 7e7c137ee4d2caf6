package simulate

// Class numbers a Spec in its Classes.
type Class int32

// Classes keeps each distinct Spec once. Equal Specs get the same Class. The zero value is empty.
type Classes struct {
	specs []Spec
	byKey map[string]Class
	// asked are the label keys that some Spec asks about; the others tell no node from another.
	asked map[string]bool
}

// Intern returns the Class of the Spec. The Classes keep the Spec: the caller must not change it.
func (c *Classes) Intern(s Spec) Class {
	s.normalise()
	key := s.key()
	if id, known := c.byKey[key]; known {
		return id
	}
	if c.byKey == nil {
		c.byKey, c.asked = map[string]Class{}, map[string]bool{}
	}
	id := Class(len(c.specs))
	c.specs = append(c.specs, s)
	c.byKey[key] = id
	s.labelKeys(func(key string) { c.asked[key] = true })
	return id
}

// Spec is what pods of that class ask for.
func (c *Classes) Spec(id Class) *Spec { return &c.specs[id] }

// Len is the number of classes.
func (c *Classes) Len() int { return len(c.specs) }
